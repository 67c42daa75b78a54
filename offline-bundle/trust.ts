/** Whether one signature counts, and if not, why: as ssh-keygen says, in words that tell what to do. */
import { inside } from "./inside.ts";
import type { Signing } from "./people.ts";
import { type SshKey, leastRsaBits, parseSshKey } from "./ssh-key.ts";
import { namespace, type Outcome, sshKeygen } from "./ssh-keygen.ts";
import type { SshSignature } from "./ssh-signature.ts";

/** The files that ssh-keygen is given: copies of what was read once, in a folder of this run alone. */
export interface TrustFiles {
  /** The allowed signers file, and the list of revoked keys: the copy, and its name for messages. */
  readonly allowed: CopiedFile;
  readonly revoked?: CopiedFile;
}

export interface CopiedFile {
  readonly path: string;
  readonly name: string;
}

/** A signature that counts, or why it does not. */
export type Trust =
  | Signing
  | {
      readonly got: string;
      readonly expected: string;
      readonly todo: string;
      /** The signature or the text was changed; otherwise the signature is good and its key does not count. */
      readonly broken: boolean;
    };

/**
 * Asks ssh-keygen who made a signature of `text`, and whether that counts.
 *
 * @param path copy of the signature file.
 */
export async function trustOf(
  signature: SshSignature | undefined,
  path: string,
  text: Uint8Array,
  files: TrustFiles,
): Promise<Trust> {
  const made = signature === undefined ? undefined : parseSshKey(signature.key);
  if (signature === undefined || made === undefined) return changed("a text that is no signature");
  const found = await sshKeygen(
    ["-Y", "find-principals", "-s", path, "-f", files.allowed.path],
    new Uint8Array(),
  );
  const names = found.exitCode === 0 ? found.stdout.split("\n").map((name) => name.trim()) : [];
  const signer = names[0] ?? "";
  const verified = signer === "" ? undefined : await verify(signer, path, text, files, []);
  if (verified?.exitCode === 0)
    return made.weakness === undefined
      ? { signer, names: names.filter((name) => name !== ""), key: made }
      : weak(made.weakness, signer);
  const whole = await sshKeygen(["-Y", "check-novalidate", "-n", namespace, "-s", path], text);
  if (whole.exitCode !== 0)
    return changed(`a signature that does not match ${inside.seal}: one of the two was changed`);
  const key = `${signature.keyType} ${signature.fingerprint}`;
  const words = `${found.stderr}\n${verified?.stderr ?? ""}`.replaceAll(
    files.allowed.path,
    files.allowed.name,
  );
  return (
    dated(words, signer, key) ??
    (verified === undefined ? undefined : await revoked(signer, path, text, files, key)) ??
    untrusted(words, key, files.allowed.name)
  );
}

function verify(
  signer: string,
  path: string,
  text: Uint8Array,
  { allowed, revoked: list }: TrustFiles,
  more: readonly string[],
): Promise<Outcome> {
  const revoke = list === undefined ? [] : ["-r", list.path];
  const args = ["-n", namespace, "-I", signer, "-s", path, "-f", allowed.path];
  return sshKeygen([...more, "-Y", "verify", ...args, ...revoke], text);
}

function weak(weakness: NonNullable<SshKey["weakness"]>, signer: string): Trust {
  return {
    got: `a key that is too weak (${signer}, ${weakness})`,
    expected: `a signature by an Ed25519 or ECDSA key, or by RSA of ${leastRsaBits} bits or more`,
    todo: "have the bundle signed with a stronger key, and take the weak one out of the allowed signers",
    broken: false,
  };
}

function changed(got: string): Trust {
  return {
    got,
    expected: `a good signature of ${inside.seal}`,
    todo: "do not use this bundle: copy it again, and if it stays, ask who built it",
    broken: true,
  };
}

/** `allowed_signers:1: key has expired: verify time 2026-11-21T17:36:08 > valid-before 2026-01-01T00:00:00` */
function dated(words: string, signer: string, key: string): Trust | undefined {
  const expired = dateOf(words, ": key has expired:", "valid-before ");
  const [line, time] = expired ?? dateOf(words, ": key is not yet valid:", "valid-after ") ?? [];
  if (line === undefined || time === undefined) return undefined;
  const who = signer === "" ? key : `${signer}, ${key}`;
  return {
    got: `a key that ${expired === undefined ? "is not valid before" : "expired on"} ${time} (${who}; ${line})`,
    expected: "a signature by a key that is valid today",
    todo:
      expired === undefined
        ? "check the clock of this machine and valid-after of the key"
        : "have the bundle signed with a key that counts: sealift bundle sign; do not move valid-before",
    broken: false,
  };
}

/** Where a key stands, `<file>:<line>`, and its date. */
function dateOf(words: string, phrase: string, limit: string): readonly [string, string] | undefined {
  const found = words.split("\n").find((one) => one.includes(phrase) && one.includes(limit)) ?? "";
  const line = found.slice(0, found.indexOf(phrase));
  const [time] = /^\S+/.exec(found.slice(found.indexOf(limit) + limit.length)) ?? [];
  return line === "" || time === undefined ? undefined : [line, time];
}

/** ssh-keygen says only at its most talkative why a list of revoked keys made it refuse. */
async function revoked(
  signer: string,
  path: string,
  text: Uint8Array,
  files: TrustFiles,
  key: string,
): Promise<Trust | undefined> {
  if (files.revoked === undefined) return undefined;
  const { stderr } = await verify(signer, path, text, files, ["-vvv"]);
  const said = /sshkey_check_revoked: (.*)/.exec(stderr)?.[1]?.trim();
  if (said === undefined) return undefined;
  const list = files.revoked.name;
  const reason = said.replaceAll(files.revoked.path, list);
  return /revoked/i.test(reason)
    ? {
        got: `a key that was revoked (${signer}, ${key}; ${list})`,
        expected: "a signature by a key that was not revoked",
        todo: "do not use this bundle, whoever vouches for it: get one that is signed with another key",
        broken: false,
      }
    : {
        got: `a list of revoked keys that cannot be used (${list}: ${reason})`,
        expected: "a KRL, or one public key a line",
        todo: "put the right list back; until then no signature counts",
        broken: false,
      };
}

function untrusted(words: string, key: string, allowedSigners: string): Trust {
  const limit = /key is not permitted for use in signature namespace/.test(words);
  return {
    got: limit
      ? `a key that may not sign bundles (${key}: its namespaces lack ${namespace})`
      : `a signature by a key that is not trusted (${key})`,
    expected: `one by a key of ${allowedSigners}`,
    todo: "do not use this bundle, or add the key after you have checked whose it is",
    broken: false,
  };
}
