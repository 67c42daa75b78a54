/** A recovery key of a site, as its keeper has it, and the lab's age as its release has it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Archive } from "../../../modules/core/host/blob.ts";
import { packTool, toolTarball } from "../../lab/bundle/tool-tarball.ts";
import { useTools } from "../../lab/tools/ensure-tools.ts";
import { runProcess } from "../process/run-process.ts";

export interface RecoveryKey {
  readonly publicKey: string;
  /** File with the private key. */
  readonly identity: string;
  /** Folder of this key, for files of a test. */
  readonly folder: string;
  readonly age: Archive;
  readonly decrypt: (encrypted: string) => Promise<string>;
  readonly end: () => Promise<void>;
}

export async function makeRecoveryKey(): Promise<RecoveryKey> {
  await useTools();
  const folder = await mkdtemp(join(tmpdir(), "sealift-recovery-"));
  const identity = join(folder, "recovery.key");
  const made = await runProcess("age-keygen", ["-o", identity]);
  return {
    ...{ folder, identity, publicKey: /age1\S+/.exec(made.stderr)?.[0] ?? "" },
    age: await ageArchive(folder),
    decrypt: async (encrypted) => {
      const file = join(folder, "encrypted.age");
      await writeFile(file, encrypted);
      const { exitCode, stdout, stderr } = await runProcess("age", ["--decrypt", "-i", identity, file]);
      assert.equal(exitCode, 0, stderr);
      return stdout;
    },
    end: () => rm(folder, { recursive: true }),
  };
}

async function ageArchive(folder: string): Promise<Archive> {
  const tarball = toolTarball("age");
  const path = join(folder, tarball.file);
  await packTool(tarball, path);
  const bytes = await readFile(path);
  const { stdout } = await runProcess("sh", ["-c", 'sha256sum "$(command -v age)"']);
  const members = [{ path: "age/age", sha256: stdout.slice(0, 64) }];
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { version: tarball.version, sha256, bytes: (await stat(path)).size, path, members };
}
