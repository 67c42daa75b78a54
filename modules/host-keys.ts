/** What a host shows as its key to whoever asks: worth nothing before a person has compared it. */
import { runProgram, TooMuchOutput } from "../offline-bundle/program.ts";
import { fingerprintOf as fingerprintOfBytes } from "../offline-bundle/ssh-signature.ts";
import { SealiftError } from "./core/errors.ts";
import type { JumpSpec } from "./core/jump.ts";
import { keyBehindJump } from "./core/probe.ts";

export interface ShownKey {
  /** `ssh-ed25519 AAAA…`. */
  readonly key: string;
  /** `SHA256:…`, as `ssh-keygen -lf` prints it on the host's console. */
  readonly fingerprint: string;
}

/**
 * Asks with ssh-keyscan(1), which knows no way through a jump host: there ssh asks. ed25519, or ecdsa where there is none.
 * @throws {SealiftError} E_HOST_UNREACHABLE; E_JUMP_KEY, E_JUMP_LOGIN, E_JUMP_FORWARD, E_JUMP_UNREACHABLE.
 */
export async function shownKey(address: string, port: number, jump?: JumpSpec): Promise<ShownKey> {
  const key =
    jump === undefined
      ? await scannedKey(address, port)
      : await keyBehindJump({ name: `${address}:${port}`, address, port, login: "nobody", jump });
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
        where: `${address}:${port}`,
        code: "E_HOST_UNREACHABLE",
        subject: "host key",
        got: text.trim() === "" ? "no answer" : "keys of other kinds",
        expected: "an ed25519 or ecdsa key of sshd",
        todo: "check the address, and that sshd runs there",
      },
    ]);
  }
  return key;
}

/** Of a key as public key files have it: its kind, then base64. */
export function fingerprintOf(key: string): string {
  return fingerprintOfBytes(Buffer.from(key.split(" ")[1] ?? "", "base64"));
}

/** A host shows four lines at most; one that goes on without an end has no key that anybody could compare. */
const mostBytes = 65_536;

async function keyscan(address: string, port: number): Promise<string> {
  const args = ["-T", "10", "-p", String(port), "-t", "ed25519,ecdsa", "--", address];
  try {
    const { stdout } = await runProgram("ssh-keyscan", args, { most: mostBytes, timeoutMs: 60_000 });
    return stdout.toString();
  } catch (error) {
    if (error instanceof TooMuchOutput) return "";
    throw error;
  }
}
