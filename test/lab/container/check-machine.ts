/** Whether this machine can run system containers. */
import { existsSync, readFileSync } from "node:fs";
import { SealiftError } from "../../../modules/core/errors.ts";
import { runProcess } from "../../support/process/run-process.ts";
import { asRoot } from "../as-root.ts";

interface Missing {
  readonly found: string;
  readonly fix: string;
}

/** @throws {E_LAB_GUEST} with all that is missing; fix: the way out is to run everything on virtual machines. */
export async function checkMachine(): Promise<void> {
  checked ??= probe();
  const missing = await checked;
  if (missing.length === 0) return;
  throw new SealiftError(
    missing.map(({ found, fix }) => ({
      where: "this machine",
      code: "E_LAB_GUEST",
      subject: "system containers",
      found,
      expected: "a machine that can run them",
      fix: `${fix}, or run everything on virtual machines: SEALIFT_LAB_MACHINES=vm`,
    })),
  );
}

let checked: Promise<readonly Missing[]> | undefined;

async function probe(): Promise<readonly Missing[]> {
  const [file, ...args] = asRoot(["unshare", "--mount", "--net", "true"]);
  const { exitCode, stderr } = await runProcess(file, args);
  const mounts = readFileSync("/proc/mounts", "utf8");
  return [
    ...(exitCode === 0
      ? []
      : [
          {
            found: `unshare --mount --net: ${stderr.trim()}`,
            fix: "run it as root or with sudo without a password",
          },
        ]),
    ...(existsSync("/dev/loop-control")
      ? []
      : [{ found: "no /dev/loop-control", fix: "load the module loop" }]),
    ...(/ cgroup2 /.test(mounts) ? [] : [{ found: "no cgroup v2 is mounted", fix: "mount cgroup2" }]),
    ...(await fileSystems()),
  ];
}

/** What the kernel has or can load. */
async function fileSystems(): Promise<readonly Missing[]> {
  const missing: Missing[] = [];
  for (const name of ["overlay", "xfs", "ext4"]) {
    if (new RegExp(`\\t${name}$`, "m").test(readFileSync("/proc/filesystems", "utf8"))) continue;
    const [file, ...args] = asRoot(["modprobe", "-q", name]);
    if ((await runProcess(file, args)).exitCode === 0) continue;
    missing.push({ found: `a kernel without ${name}`, fix: `load the module ${name}` });
  }
  return missing;
}
