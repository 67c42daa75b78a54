/** Whether this machine can run system containers. */
import { existsSync, readFileSync } from "node:fs";
import { SealiftError } from "../../../modules/core/errors.ts";
import { runProcess } from "../../support/run-process.ts";
import { asRoot } from "../as-root.ts";

interface Missing {
  readonly got: string;
  readonly todo: string;
}

/** @throws {E_LAB_GUEST} with all that is missing; the way out is to run everything on virtual machines. */
export async function checkMachine(): Promise<void> {
  checked ??= look();
  const missing = await checked;
  if (missing.length === 0) return;
  throw new SealiftError(
    missing.map(({ got, todo }) => ({
      where: "this machine",
      code: "E_LAB_GUEST",
      subject: "system containers",
      got,
      expected: "a machine that can run them",
      todo: `${todo}, or run everything on virtual machines: SEALIFT_LAB_MACHINES=vm`,
    })),
  );
}

let checked: Promise<readonly Missing[]> | undefined;

async function look(): Promise<readonly Missing[]> {
  const [file, ...args] = asRoot(["unshare", "--mount", "--net", "true"]);
  const { exitCode, stderr } = await runProcess(file, args);
  const mounts = readFileSync("/proc/mounts", "utf8");
  return [
    ...(exitCode === 0
      ? []
      : [
          {
            got: `unshare --mount --net: ${stderr.trim()}`,
            todo: "run it as root or with sudo without a password",
          },
        ]),
    ...(existsSync("/dev/loop-control")
      ? []
      : [{ got: "no /dev/loop-control", todo: "load the module loop" }]),
    ...(/ cgroup2 /.test(mounts) ? [] : [{ got: "no cgroup v2 is mounted", todo: "mount cgroup2" }]),
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
    missing.push({ got: `a kernel without ${name}`, todo: `load the module ${name}` });
  }
  return missing;
}
