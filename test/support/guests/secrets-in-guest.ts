/** Secrets in a guest that has an engine: encrypted by the operator's code, decrypted by the library's own functions. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Archive, type HostSecret, uploadPath } from "../../../modules/core/host/blob.ts";
import type { Step } from "../../../modules/core/host/step.ts";
import { encrypt } from "../../../modules/secrets/age.ts";
import { secretsSteps, pruneSteps } from "../../../modules/secrets/steps.ts";
import { packTool, toolTarball } from "../../lab/bundle/tool-tarball.ts";
import { useTools } from "../../lab/tools/ensure-tools.ts";
import { runProcess } from "../process/run-process.ts";
import { startEngine, type EngineInGuest } from "./engine-in-guest.ts";

export interface SecretsInGuest {
  readonly engine: EngineInGuest;
  /** The private recovery key. */
  readonly identity: string;
  /** Folder of this test on the operator's machine. */
  readonly folder: string;
  /** A secret of application shop, encrypted for these ssh keys and the recovery key, where a delivery puts it. Default: for the guest. */
  readonly deliver: (
    name: string,
    text: string,
    more?: { readonly keys?: readonly string[]; readonly owner?: string; readonly mode?: string },
  ) => Promise<HostSecret>;
  readonly steps: (...secrets: readonly HostSecret[]) => readonly Step[];
  readonly end: () => Promise<void>;
}

export async function startSecrets(name: string): Promise<SecretsInGuest> {
  await useTools();
  const engine = await startEngine(name);
  const folder = await mkdtemp(join(tmpdir(), "sealift-secrets-"));
  const identity = join(folder, "recovery.key");
  const made = await runProcess("age-keygen", ["-o", identity]);
  const recovery = /age1\S+/.exec(made.stderr)?.[0] ?? "";
  const put = async (bytes: Buffer): Promise<string> => {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const arrives = uploadPath(sha256);
    const { exitCode } = await engine.on.guest.exec(`mkdir -p .sealift/blobs && cat >${arrives}`, {
      input: bytes,
    });
    assert.equal(exitCode, 0);
    return sha256;
  };
  const age = await ageArchive(folder);
  await put(await readFile(age.path));
  return {
    engine,
    identity,
    folder,
    deliver: async (
      secret,
      text,
      { keys = [engine.on.guest.hostKey], owner = "999:998", mode = "0400" } = {},
    ) => {
      const bytes = await encrypt(Buffer.from(text), [...keys, recovery], secret);
      const sha256 = await put(bytes);
      return { app: "shop", name: secret, owner, mode, sha256, bytes: bytes.length, path: "" };
    },
    steps: (...secrets) => [
      ...secretsSteps({ hostKey: engine.on.guest.hostKey, age, secrets }),
      ...pruneSteps(secrets),
    ],
    end: async () => {
      await engine.end();
      await rm(folder, { recursive: true });
    },
  };
}

/** The lab's age as its release has it. */
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
