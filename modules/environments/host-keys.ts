/** The host key that a host presents: not to be trusted before the operator has verified it. */
import { endpoint } from "../core/endpoint.ts";
import { keyFingerprint } from "../../offline-bundle/signing/ssh-signature.ts";
import { SealiftError } from "../core/errors.ts";
import type { JumpSpec } from "../core/site/jump-host.ts";
import { keyBehindJump } from "../core/host/probe.ts";
import { runProgram, TooMuchOutput } from "../core/process.ts";

export interface ShownKey {
  /** `ssh-ed25519 AAAA…`. */
  readonly key: string;
  /** `SHA256:…`, as `ssh-keygen -lf` prints it on the host's console. */
  readonly fingerprint: string;
}

/**
 * Uses ssh-keyscan(1), which cannot use a jump host; behind one, ssh is used. Returns the ed25519 key, or the ecdsa key if there
 * is none.
 *
 * @throws {SealiftError} E_HOST_UNREACHABLE; E_JUMP_HOST_KEY, E_JUMP_HOST_LOGIN, E_JUMP_HOST_FORWARD, E_JUMP_HOST_UNREACHABLE.
 */
export async function shownKey(address: string, port: number, jumpHost?: JumpSpec): Promise<ShownKey> {
  const key =
    jumpHost === undefined
      ? await scannedKey(address, port)
      : await keyBehindJump({ name: endpoint(address, port), address, port, sshUser: "nobody", jumpHost });
  if (typeof key !== "string") throw new SealiftError([key]);
  return { key, fingerprint: fingerprintOf(key) };
}

async function scannedKey(address: string, port: number): Promise<string> {
  const text = await keyscan(address, port);
  const keys = text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.split(" ").slice(1, 3).join(" "));
  const key = ["ssh-ed25519", "ecdsa-sha2-nistp256"].flatMap(
    (type) => keys.find((one) => one.startsWith(`${type} `)) ?? [],
  )[0];
  if (key === undefined) {
    throw new SealiftError([
      {
        where: endpoint(address, port),
        code: "E_HOST_UNREACHABLE",
        subject: "host key",
        found: text.trim() === "" ? "no response" : "only keys of other types",
        expected: "an ed25519 or ecdsa key of sshd",
        fix: "check the address and make sure that sshd is running there",
      },
    ]);
  }
  return key;
}

/** Fingerprint of a key in the format of public key files: its type, then base64. */
export function fingerprintOf(key: string): string {
  return keyFingerprint(Buffer.from(key.split(" ")[1] ?? "", "base64"));
}

/** A host has at most four keys; output without end contains no key that anybody could verify. */
const maxBytes = 65_536;

async function keyscan(address: string, port: number): Promise<string> {
  const args = ["-T", "10", "-p", String(port), "-t", "ed25519,ecdsa", "--", address];
  try {
    const { stdout } = await runProgram("ssh-keyscan", args, { maxOutput: maxBytes, timeoutMs: 60_000 });
    return stdout.toString();
  } catch (error) {
    if (error instanceof TooMuchOutput) return "";
    throw error;
  }
}
