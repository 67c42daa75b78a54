/** Checks the signatures of a bundle text against the keys that a site trusts. ssh-keygen decides; the rest are its reasons in words. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Problem, refuse } from "../modules/core/errors.ts";
import { allowedSigners, firstNames } from "./allowed-signers.ts";
import { inside } from "./inside.ts";
import { type KeyFiles, readKeyFiles } from "./key-files.ts";
import { inParallel } from "./parallel.ts";
import { normalName, peopleOf, type Person } from "./people.ts";
import { type SignatureFile, signatureFiles } from "./signature-files.ts";
import { fingerprintOf } from "./ssh-signature.ts";
import { type CopiedFile, type Trust, trustOf } from "./trust.ts";

/** Whose signatures count, and how many there have to be. */
export interface SignaturePolicy {
  /** Keys that may sign bundles: a file in the format of ssh-keygen(1), ALLOWED SIGNERS. Its dates and namespaces count. */
  readonly allowedSigners: string;
  /** Keys that no longer count: a KRL of ssh-keygen(1), or a list of public keys. Absent: none. */
  readonly revokedKeys?: string;
  /**
   * How many different people of `allowedSigners` must have signed; with 0 none has to count. One key is one person, under whatever
   * names, and so is one name with several keys. @default 1
   */
  readonly signatures?: number;
  /** A bundle without any signature passes; one with a wrong signature does not. @default false */
  readonly allowUnsigned?: boolean;
}

export interface SignatureCheck {
  /** Who signed, each person once, in the words of the allowed signers file. */
  readonly signers: readonly string[];
  /** Fingerprints of the keys of theirs that have signed, and of the authorities of certificates among them, `SHA256:…`, sorted. */
  readonly keys: readonly string[];
  readonly problems: readonly Problem[];
  /** What a flag has let pass. */
  readonly waived: readonly Problem[];
  /** Good signatures that do not count, and that the bundle did not need: why. */
  readonly passedOver: readonly Problem[];
}

/**
 * Finds out who signed `text`. A signature that is broken is refused even when others would be enough.
 *
 * @returns E_BUNDLE_UNSIGNED or E_BUNDLE_SIGNATURE as problems.
 * @throws {SealiftError} E_TOOL when there is no ssh-keygen.
 */
export async function checkSignatures(
  directory: string,
  text: Uint8Array,
  policy: SignaturePolicy,
): Promise<SignatureCheck> {
  const files = await signatureFiles(directory);
  if (files.length === 0) {
    const problem = unsigned(directory);
    const [problems, waived] = policy.allowUnsigned === true ? [[], [problem]] : [[problem], []];
    return { signers: [], keys: [], problems, waived, passedOver: [] };
  }
  const keys = await readKeyFiles(directory, policy);
  if ("problems" in keys)
    return { signers: [], keys: [], problems: keys.problems, waived: [], passedOver: [] };
  const trusts = await trustsOf(files, text, policy, keys);
  const allowed = allowedSigners(keys.allowed.toString());
  const people = peopleOf(
    trusts.flatMap((trust) => ("signer" in trust ? [trust] : [])),
    allowed,
  );
  const signers = people.map(({ name }) => name);
  const reasons = trusts.map((trust, at) => problemOf(directory, files[at], trust));
  const broken = reasons.flatMap((reason) => (reason?.broken === true ? [reason.problem] : []));
  const uncounted = reasons.flatMap((reason) => (reason?.broken === false ? [reason.problem] : []));
  const needed = policy.signatures ?? 1;
  const enough = people.length >= needed;
  // When a key of theirs did not count, a name says too little.
  const others = uncounted.length > 0 ? [] : firstNames(allowed);
  const few =
    enough || people.length === 0 ? [] : [tooFew(directory, people, needed, policy.allowedSigners, others)];
  return {
    signers,
    keys: fingerprintsOf(people),
    problems: [...broken, ...(enough ? [] : uncounted), ...few],
    waived: [],
    passedOver: enough ? uncounted : [],
  };
}

function fingerprintsOf(people: readonly Person[]): readonly string[] {
  // Of a certificate it is the authority that the allowed signers file names, and that can be revoked.
  const keys = people
    .flatMap(({ signings }) => signings)
    .flatMap(({ key: { key, authority } }) => (authority === undefined ? [key] : [key, authority]));
  return [...new Set(keys)].map((key) => fingerprintOf(Buffer.from(key, "base64"))).sort();
}

/** Asks ssh-keygen about each: it is given copies, for it would read what lies in the bundle several times. */
async function trustsOf(
  files: readonly SignatureFile[],
  text: Uint8Array,
  policy: SignaturePolicy,
  keys: KeyFiles,
): Promise<readonly Trust[]> {
  const folder = await mkdtemp(join(tmpdir(), "sealift-signers-"));
  try {
    const copied = async (name: string, bytes: Uint8Array, of: string): Promise<CopiedFile> => {
      const path = join(folder, name);
      await writeFile(path, bytes, { mode: 0o600 });
      return { path, name: of };
    };
    const allowed = await copied("allowed_signers", keys.allowed, policy.allowedSigners);
    const revoked =
      keys.revoked === undefined
        ? {}
        : { revoked: await copied("revoked_keys", keys.revoked, policy.revokedKeys ?? "") };
    const { values, problems } = await inParallel(
      files,
      programsAtOnce,
      async ({ name, text: own, signature }) => {
        const { path } = await copied(name, Buffer.from(own, "latin1"), name);
        return trustOf(signature, path, text, { allowed, ...revoked });
      },
    );
    refuse(problems);
    return values;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A bundle may come with any number of signatures; this machine has so many processors only. */
const programsAtOnce = 4;

function problemOf(
  directory: string,
  file: SignatureFile | undefined,
  trust: Trust,
): { readonly problem: Problem; readonly broken: boolean } | undefined {
  if ("signer" in trust) return undefined;
  const { got, expected, todo, broken } = trust;
  const subject = file?.name ?? inside.signature;
  return { problem: { where: directory, code: "E_BUNDLE_SIGNATURE", subject, got, expected, todo }, broken };
}

function unsigned(directory: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_UNSIGNED",
    subject: inside.signature,
    got: "no signature",
    expected: "a signed bundle",
    todo: "build it with --key, sign it with sealift bundle sign, or get the signed one",
  };
}

/** @param names of those who could sign; none when they would say too little. */
function tooFew(
  directory: string,
  people: readonly Person[],
  needed: number,
  allowed: string,
  names: readonly string[],
): Problem {
  const own = people.flatMap(({ signings }) => signings.flatMap((one) => one.names)).map(normalName);
  const others = names.filter((name) => !own.includes(normalName(name)));
  const next =
    others.length > 1 ? `one of ${others.join(", ")}` : (others[0] ?? "somebody else, whose key counts,");
  return {
    where: directory,
    code: "E_BUNDLE_SIGNATURE",
    subject: "signatures",
    got: `${people.length} of ${needed}: signed by ${people.map(described).join(", ")}`,
    expected: `signatures by ${needed} different people of ${allowed}`,
    todo: `have ${next} run: sealift bundle sign ${directory} --key <key>`,
  };
}

/** A person, and why further signatures are not of further people. */
function described({ name, signings }: Person): string {
  const count = new Set(signings.map(({ key }) => key.key)).size;
  const names = new Set(signings.map(({ signer }) => signer)).size;
  if (names > 1)
    return `${name} (${[...new Set(signings.map(({ signer }) => signer))].join(" and ")}: one name or key)`;
  return count > 1 ? `${name} (${count} keys of one person)` : name;
}
