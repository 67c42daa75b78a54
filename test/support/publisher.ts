/** A publisher with an OpenPGP key of its own: signs texts and files, and runs an apt repository. By gpg(1), in a folder of its own. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { sha256Of } from "./sha256-of.ts";

export interface Publisher {
  /** Of its primary key, 40 capital hex digits. */
  readonly fingerprint: string;
  /** Its public key, armored. */
  readonly publicKey: string;
  /** A text that signs itself. */
  readonly clearSign: (text: string) => Buffer;
  /** A signature beside what was signed, armored or not. */
  readonly sign: (content: string | Buffer, armored?: boolean) => Buffer;
  /** Ends its agent and removes its folder. */
  readonly remove: () => void;
}

/** @param folder where it keeps its keys; short, for the sockets of its agent. */
export function makePublisher(folder: string, name: string): Publisher {
  mkdirSync(folder, { mode: 0o700 });
  const gpg = (args: readonly string[], input?: string | Buffer): Buffer =>
    execFileSync("gpg", ["--homedir", folder, "--batch", "--quiet", "--no-tty", ...args], {
      input: input ?? "",
      stdio: ["pipe", "pipe", "ignore"],
    });
  gpg([
    "--passphrase",
    "",
    "--quick-generate-key",
    `${name} <${name}@publisher.example>`,
    "ed25519",
    "sign",
    "never",
  ]);
  const listed = gpg(["--with-colons", "--list-keys"]).toString();
  return {
    fingerprint: /^fpr:+([0-9A-F]{40}):$/m.exec(listed)?.[1] ?? "",
    publicKey: gpg(["--armor", "--export"]).toString(),
    clearSign: (text) => gpg(["--clearsign"], text),
    sign: (content, armored = false) => gpg([...(armored ? ["--armor"] : []), "--detach-sign"], content),
    remove: () => {
      execFileSync("gpgconf", ["--homedir", folder, "--kill", "all"], { stdio: "ignore" });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface AptPackage {
  readonly name: string;
  readonly version: string;
  readonly filename: string;
  readonly sha256: string;
}

/** The files of a repository with one suite, `stable`, and one component, `main`, by their paths. */
export function aptRepository(
  { clearSign }: Publisher,
  packages: readonly AptPackage[],
  { suite = "stable", validUntil = "Thu, 31 Dec 2099 00:00:00 UTC" } = {},
): ReadonlyMap<string, Buffer> {
  const index = gzipSync(
    packages
      .map(
        ({ name, version, filename, sha256 }) =>
          `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nFilename: ${filename}\nSHA256: ${sha256}\nDescription: a package\n of a test\n`,
      )
      .join("\n"),
  );
  const path = "main/binary-amd64/Packages.gz";
  const release = `Origin: a test\nSuite: ${suite}\nCodename: ${suite}\nValid-Until: ${validUntil}\nSHA256:\n ${sha256Of(index)} ${index.length} ${path}\n`;
  return new Map([
    ["dists/stable/InRelease", clearSign(release)],
    [`dists/stable/${path}`, index],
  ]);
}

/** Writes public keys beside a bundle.yaml. @returns the path as bundle.yaml has it. */
export function writeKeys(folder: string, name: string, ...publishers: readonly Publisher[]): string {
  mkdirSync(join(folder, "keys"), { recursive: true });
  writeFileSync(join(folder, "keys", name), publishers.map(({ publicKey }) => publicKey).join("\n"));
  return `keys/${name}`;
}
