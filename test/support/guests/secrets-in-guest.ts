/** Secrets in a guest that has an engine: encrypted by the operator's code, decrypted by the library's own functions. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type HostSecret, uploadPath } from "../../../modules/core/host/blob.ts";
import type { Step } from "../../../modules/core/host/step.ts";
import { encrypt } from "../../../modules/secrets/age.ts";
import { secretsSteps, pruneSteps } from "../../../modules/secrets/steps.ts";
import { startEngine, type EngineInGuest } from "./engine-in-guest.ts";
import { makeRecoveryKey } from "./recovery-key.ts";

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
  const engine = await startEngine(name);
  const { age, folder, identity, publicKey, end } = await makeRecoveryKey();
  const put = async (bytes: Buffer): Promise<string> => {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const arrives = uploadPath(sha256);
    const { exitCode } = await engine.on.guest.exec(`mkdir -p .sealift/blobs && cat >${arrives}`, {
      input: bytes,
    });
    assert.equal(exitCode, 0);
    return sha256;
  };
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
      const bytes = await encrypt(Buffer.from(text), [...keys, publicKey], secret);
      const sha256 = await put(bytes);
      return { app: "shop", name: secret, owner, mode, sha256, bytes: bytes.length, path: "" };
    },
    steps: (...secrets) => [
      ...secretsSteps({ hostKey: engine.on.guest.hostKey, age, secrets }),
      ...pruneSteps(secrets),
    ],
    end: async () => {
      await engine.end();
      await end();
    },
  };
}
