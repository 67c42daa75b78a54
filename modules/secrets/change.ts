/** Changes to the files of secrets: a new value, or other recipients. Each file is written whole or not at all. */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { type Problem, refuse, SealiftError } from "../core/errors.ts";
import { type HostSpec, managedStacks } from "../core/site/site-spec.ts";
import { writeAtomically } from "../core/write-atomically.ts";
import { decrypt, encrypt } from "./age.ts";
import { maxSecretBytes } from "./age-file.ts";
import { isCurrent, keysOf, type SecretFile, secretUses } from "./recipients.ts";
import { readSecretFile } from "./secret-files.ts";

type Host = Pick<HostSpec, "name" | "hostKey" | "apps"> & Partial<Pick<HostSpec, "stacks" | "swarm">>;

/** What is known about a secret before it is changed. */
export interface Edited {
  /** Path relative to the checkout. */
  readonly file: string;
  /** Public keys for which it will be encrypted. */
  readonly recipients: readonly string[];
  /** The hosts among them, by name. */
  readonly hosts: readonly string[];
  /** Its present content; undefined for a new secret. */
  readonly content: Buffer | undefined;
  /** Whether an application of the site names the file already. */
  readonly isNamed: boolean;
}

/**
 * For whom a secret is encrypted when its value changes: the hosts whose applications name its file, and those that run `app`.
 *
 * @throws {SealiftError} E_VALUE when no host runs the application; E_SECRET_FILE when the file is not one of age.
 */
export function secretToEdit(
  file: string,
  app: string | undefined,
  hosts: readonly Host[],
  { recoveryKey, siteFile }: { readonly recoveryKey: string; readonly siteFile: string },
): Edited {
  const uses = secretUses(hosts).filter(({ spec }) => spec.file === file);
  const running = hosts.filter((host) => appNames(host).some((name) => name === app));
  if (app === undefined) refuse(uses.length === 0 ? [unnamed(file, siteFile)] : []);
  else refuse(running.length === 0 ? [notRunning(app, hosts, siteFile)] : []);
  const needing = hosts.filter((host) => running.includes(host) || uses.some((use) => use.host === host));
  return {
    file,
    recipients: [...keysOf(needing.map((host) => ({ host }))), recoveryKey],
    hosts: needing.map(({ name }) => name),
    content: readSecretFile(file),
    isNamed: app === undefined || uses.some((use) => use.app === app),
  };
}

function unnamed(file: string, where: string): Problem {
  return {
    where,
    code: "E_VALUE",
    subject: file,
    found: "no such file among the secrets of the site",
    expected: "a file that the site names, or --app with the application that will use it",
    fix: "pass --app, or name the file in the site first",
  };
}

/** Those of a swarm are applications of its managers, which hand their secrets to it. */
function appNames(host: Host): readonly string[] {
  return [...host.apps, ...managedStacks(host)].map(({ name }) => name);
}

function notRunning(app: string, hosts: readonly Host[], where: string): Problem {
  const apps = [...new Set(hosts.flatMap(appNames))];
  return {
    where,
    code: "E_VALUE",
    subject: "--app",
    found: `no host runs ${app}`,
    expected: `an application of the site: ${apps.join(", ") || "none"}`,
    fix: "correct the name, or add the application under apps:",
  };
}

/** Encrypts a new value. @throws {SealiftError} E_VALUE when it is too large, E_TOOL, E_SECRET_RECIPIENT. */
export async function writeSecret(
  { file, recipients }: Pick<Edited, "file" | "recipients">,
  text: Uint8Array,
): Promise<void> {
  const encrypted = await encryptToRead(text, recipients, file);
  await mkdir(dirname(file), { recursive: true });
  await writeAtomically(file, encrypted);
}

/** A file that readSecretFile accepts: a larger one would be missing for everything that reads it. */
async function encryptToRead(text: Uint8Array, recipients: readonly string[], file: string): Promise<Buffer> {
  const encrypted = await encrypt(text, recipients, file);
  if (encrypted.length <= maxSecretBytes) return encrypted;
  throw new SealiftError([
    {
      ...{ where: "this machine", code: "E_VALUE", subject: file },
      found: `${text.length} bytes, ${encrypted.length} when encrypted`,
      expected: `at most ${maxSecretBytes} bytes when encrypted`,
      fix: "keep only a password or a key in the secret, and other data in a volume of the application",
    },
  ]);
}

/**
 * Encrypts secrets for the hosts that need them now. All of them are decrypted before the first is written.
 *
 * @param identity file of the private recovery key with which they were encrypted.
 * @param all also those whose recipients are right, because the header does not say which recovery key can decrypt them.
 * @returns the files that were written.
 * @throws {SealiftError} E_VALUE when one would be too large, E_TOOL, E_SECRET_DECRYPT, E_SECRET_RECIPIENT.
 */
export async function rekeySecrets(
  files: readonly SecretFile[],
  { recoveryKey, identity, all }: { recoveryKey: string; identity: string; all: boolean },
): Promise<readonly string[]> {
  const stale = files.filter(({ state }) => state.kind === "read" && (all || !isCurrent(state)));
  const made: { file: string; encrypted: Buffer }[] = [];
  for (const { file, uses } of stale) {
    const text = await decrypt(readSecretFile(file) ?? Buffer.alloc(0), identity, file);
    const encrypted = await encryptToRead(text, [...keysOf(uses), recoveryKey], file);
    made.push({ file, encrypted });
  }
  for (const { file, encrypted } of made) await writeAtomically(file, encrypted);
  return made.map(({ file }) => file);
}
