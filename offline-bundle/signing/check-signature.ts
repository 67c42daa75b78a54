/** Whether a signature is trusted, and if not, why: ssh-keygen's result as a problem with a fix. */
import { inside } from "../io/inside.ts";
import type { Signing } from "./people.ts";
import { type SshKey, minRsaBits, parseSshKey } from "../../modules/core/ssh-key.ts";
import { bundleNamespace, type Outcome, sshKeygen } from "./ssh-keygen.ts";
import type { SshSignature } from "./ssh-signature.ts";

/** The files for ssh-keygen: copies of files that were read once, in a private folder of this run. */
export interface TrustFiles {
  /** The allowed signers file and the list of revoked keys: the copy, and its name for messages. */
  readonly allowed: CopiedFile;
  readonly revoked?: CopiedFile;
}

export interface CopiedFile {
  readonly path: string;
  readonly name: string;
}

/** A trusted signature, or why it is not trusted. */
export type SignatureTrust =
  | Signing
  | {
      readonly found: string;
      readonly expected: string;
      readonly fix: string;
      /** True when the signature or the text was changed; false when the signature is valid but its key is not trusted. */
      readonly broken: boolean;
    };

/**
 * Asks ssh-keygen who made a signature of `text`, and whether the key is trusted.
 *
 * @param path copy of the signature file.
 */
export async function signatureTrust(
  signature: SshSignature | undefined,
  path: string,
  text: Uint8Array,
  files: TrustFiles,
): Promise<SignatureTrust> {
  const made = signature === undefined ? undefined : parseSshKey(signature.key);
  if (signature === undefined || made === undefined) return changed("a file that is not a signature");
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
  const integrity = await sshKeygen(["-Y", "check-novalidate", "-n", bundleNamespace, "-s", path], text);
  if (integrity.exitCode !== 0)
    return changed(`a signature that does not match ${inside.manifest}: one of the two files was changed`);
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
  const args = ["-n", bundleNamespace, "-I", signer, "-s", path, "-f", allowed.path];
  return sshKeygen([...more, "-Y", "verify", ...args, ...revoke], text);
}

function weak(weakness: NonNullable<SshKey["weakness"]>, signer: string): SignatureTrust {
  return {
    found: `a key that is too weak (${signer}, ${weakness})`,
    expected: `a signature by an Ed25519 or ECDSA key, or by RSA of ${minRsaBits} bits or more`,
    fix: "have the bundle signed with a stronger key, and remove the weak key from the allowed signers",
    broken: false,
  };
}

function changed(found: string): SignatureTrust {
  return {
    found,
    expected: `a good signature of ${inside.manifest}`,
    fix: "do not use this bundle; copy it again; if the problem remains, ask the person who built it",
    broken: true,
  };
}

/** `allowed_signers:1: key has expired: verify time 2026-11-21T17:36:08 > valid-before 2026-01-01T00:00:00` */
function dated(words: string, signer: string, key: string): SignatureTrust | undefined {
  const expired = dateOf(words, ": key has expired:", "valid-before ");
  const [line, time] = expired ?? dateOf(words, ": key is not yet valid:", "valid-after ") ?? [];
  if (line === undefined || time === undefined) return undefined;
  const who = signer === "" ? key : `${signer}, ${key}`;
  return {
    found: `a key that ${expired === undefined ? "is not valid before" : "expired on"} ${time} (${who}; ${line})`,
    expected: "a signature by a key that is valid today",
    fix:
      expired === undefined
        ? "check the clock of this machine and the valid-after date of the key"
        : "have the bundle signed with a trusted key: sealift bundle sign; do not extend valid-before",
    broken: false,
  };
}

/** Location of a key, `<file>:<line>`, and its date. */
function dateOf(words: string, phrase: string, limit: string): readonly [string, string] | undefined {
  const found = words.split("\n").find((one) => one.includes(phrase) && one.includes(limit)) ?? "";
  const line = found.slice(0, found.indexOf(phrase));
  const [time] = /^\S+/.exec(found.slice(found.indexOf(limit) + limit.length)) ?? [];
  return line === "" || time === undefined ? undefined : [line, time];
}

/** Only the most verbose output of ssh-keygen shows which list of revoked keys caused a refusal. */
async function revoked(
  signer: string,
  path: string,
  text: Uint8Array,
  files: TrustFiles,
  key: string,
): Promise<SignatureTrust | undefined> {
  if (files.revoked === undefined) return undefined;
  const { stderr } = await verify(signer, path, text, files, ["-vvv"]);
  const cause = /sshkey_check_revoked: (.*)/.exec(stderr)?.[1]?.trim();
  if (cause === undefined) return undefined;
  const list = files.revoked.name;
  const reason = cause.replaceAll(files.revoked.path, list);
  return /revoked/i.test(reason)
    ? {
        found: `a key that was revoked (${signer}, ${key}; ${list})`,
        expected: "a signature by a key that was not revoked",
        fix: "do not use this bundle, even if others have signed it; get one that is signed with another key",
        broken: false,
      }
    : {
        found: `a list of revoked keys that cannot be used (${list}: ${reason})`,
        expected: "a KRL, or one public key per line",
        fix: "restore the correct list; until then no signature is trusted",
        broken: false,
      };
}

function untrusted(words: string, key: string, allowedSigners: string): SignatureTrust {
  const limit = /key is not permitted for use in signature namespace/.test(words);
  return {
    found: limit
      ? `the key may not sign bundles (${key}: its namespaces do not include ${bundleNamespace})`
      : `a signature by a key that is not trusted (${key})`,
    expected: `a signature by a key listed in ${allowedSigners}`,
    fix: "do not use this bundle; add the key only after you have verified its owner",
    broken: false,
  };
}
