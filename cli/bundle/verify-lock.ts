/** `sealift bundle verify --lock-only`: checks that need no download. */
import { refuse } from "../../modules/core/errors.ts";
import { type LockCoverage, lockCoverage } from "../../modules/environments/lock-coverage.ts";
import { checkLock } from "../../offline-bundle/locking/lock-check.ts";
import type { Lock } from "../../offline-bundle/spec/lock-file.ts";
import { columns } from "../output/columns.ts";
import { coverageRow } from "./coverage-row.ts";
import { printJson } from "../output/or-json.ts";
import { lockFile } from "./places.ts";
import { print } from "../output/print.ts";

interface Flags {
  readonly lock?: string;
  readonly stacks: string;
  readonly json?: true;
}

export async function verifyLock(flags: Flags): Promise<void> {
  const file = flags.lock ?? lockFile;
  if (flags.json === true) {
    await printJson(async () => {
      const { lock, coverage } = await check(file, flags.stacks);
      const { serial, platforms, files, images } = lock;
      const counts = { files: files.length, images: images.length };
      return { lock: file, serial, platforms, ...counts, stacks: coverage.files, hosts: coverage.hosts };
    });
    return;
  }
  const { lock, coverage } = await check(file, flags.stacks);
  print(
    columns([
      ["lock", file],
      ["serial", String(lock.serial)],
      [
        "files",
        `${lock.files.length}, each with sha256, url, licence and sources, for ${lock.platforms.join(", ")}`,
      ],
      ["images", `${lock.images.length}, each by digest`],
      coverageRow(coverage),
    ]),
  );
}

async function check(
  file: string,
  stacks: string,
): Promise<{ readonly lock: Lock; readonly coverage: LockCoverage }> {
  const { lock, problems } = await checkLock(file);
  const coverage = lockCoverage(lock, stacks);
  refuse([...problems, ...coverage.problems]);
  return { lock, coverage };
}
