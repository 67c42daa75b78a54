import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SealiftError } from "../../../modules/core/errors.ts";
import { runProcess } from "../../support/process/run-process.ts";
import type { Report } from "../../support/process/stages.ts";
import { asRoot } from "../as-root.ts";
import { cachePath, checkout } from "../cache.ts";
import type { Identity } from "../identity.ts";
import { debianSources } from "../packages/packages.ts";

export interface ImageRecipe {
  /** Debian's name of the release. */
  readonly suite: string;
  readonly architecture: string;
  readonly packages: readonly string[];
  readonly identity: Identity;
}

/**
 * Builds the image into a folder that appears only when all of it is there: disk.raw, kernel, initrd.
 *
 * @throws {E_LAB_IMAGE} when image-build.sh fails.
 * @throws {E_DEBIAN_SOURCES} when no Debian archive is known.
 */
export async function buildImage(folder: string, recipe: ImageRecipe, report: Report): Promise<void> {
  const part = `${folder}.part`;
  const { suite, architecture, packages, identity } = recipe;
  // What an interrupted build left there belongs to root; the script removes it.
  await mkdir(part, { recursive: true });
  await writeFile(join(part, "sources.list"), `${(await debianSources(suite)).lines.join("\n")}\n`);
  await writeFile(join(part, "authorized_keys"), `${identity.publicKey}\n`);
  await writeFile(join(part, "ssh_host_ed25519_key.pub"), `${identity.hostKey}\n`);
  await copyFile(identity.hostKeyFile, join(part, "ssh_host_ed25519_key"));
  const log = cachePath("log", "image.log");
  const script = join(checkout, "test", "lab", "vm", "image-build.sh");
  const inputs = [part, suite, architecture, packages.join(",")];
  // mmdebstrap mounts /proc and the like into the tree and leaves them there when it is killed; these go with their namespace.
  const alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const command = ["setpriv", "--pdeathsig", "KILL", ...alone, "sh", script, ...inputs] as const;
  const [file, ...args] = asRoot(command);
  const { exitCode, stderr } = await runProcess(file, args, { log, onLine: phases(report) });
  if (exitCode !== 0) {
    const found = `exit ${exitCode}: ${stderr.trim().split("\n").slice(-3).join(" | ")}`;
    throw imageProblem(
      "guest image",
      found,
      "image-build.sh to succeed",
      `read ${log}, fix the cause and start again`,
    );
  }
  await rm(join(part, "ssh_host_ed25519_key"));
  await rename(part, folder);
}

/** mmdebstrap reports its phases (`I: …`), apt how many packages it downloads, dpkg each one that it sets up. */
function phases(report: Report): (line: string) => boolean {
  let phase = "starting";
  let coming = 0;
  let done = 0;
  return (line) => {
    phase = /^I: (.*)\.\.\.$/.exec(line)?.[1] ?? phase;
    // The essential packages come first and are not announced to the end: 59 of 190 in trixie.
    coming += Number(/(\d+) newly installed/.exec(line)?.[1] ?? 0);
    if (line.startsWith("Setting up ")) done += 1;
    report(phase, coming > 0 ? done / Math.max(coming, expectedPackages) : undefined);
    return false;
  };
}

const expectedPackages = 190;

export function imageProblem(subject: string, found: string, expected: string, fix: string): SealiftError {
  return new SealiftError([{ where: "lab", code: "E_LAB_IMAGE", subject, found, expected, fix }]);
}
