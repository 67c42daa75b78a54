/**
 * Checks the signatures of a bundle manifest against the keys that a site trusts. ssh-keygen decides; this file words its
 * reasons.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Problem, refuse } from "../../modules/core/errors.ts";
import { allowedSigners, firstNames } from "./allowed-signers.ts";
import { inside } from "../io/inside.ts";
import { type KeyFiles, readKeyFiles } from "./key-files.ts";
import { inParallel } from "../io/parallel.ts";
import { normalName, peopleOf, type Person } from "./people.ts";
import { type SignatureFile, signatureFiles } from "./signature-files.ts";
import { keyFingerprint } from "./ssh-signature.ts";
import { type CopiedFile, type SignatureTrust, signatureTrust } from "./check-signature.ts";

/** Whose signatures are trusted, and how many are required. */
export interface SignaturePolicy {
  /** Keys that may sign bundles: a file in the format of ssh-keygen(1), ALLOWED SIGNERS. Its dates and namespaces apply. */
  readonly allowedSigners: string;
  /** Revoked keys: a KRL of ssh-keygen(1), or a list of public keys. Absent: none. */
  readonly revokedKeys?: string;
  /**
   * How many different people in `allowedSigners` must have signed; with 0, none. One key is one person, under whatever names,
   * and so is one name with several keys.
   *
   * @default 1
   */
  readonly minSignatures?: number;
  /** Accepts a bundle without any signature; a bundle with a wrong signature is still refused. @default false */
  readonly allowUnsigned?: boolean;
}

export interface SignatureCheck {
  /** The signers, each person once, as named in the allowed signers file. */
  readonly signers: readonly string[];
  /** Fingerprints of their keys that signed, and of the CAs of certificates among them, `SHA256:…`, sorted. */
  readonly keys: readonly string[];
  readonly problems: readonly Problem[];
  /** Problems that a flag has overridden. */
  readonly overridden: readonly Problem[];
  /** Why valid signatures are not trusted that the bundle did not need. */
  readonly ignoredSignatures: readonly Problem[];
}

/**
 * Finds out who signed `text`. A broken signature is refused even when others would suffice.
 *
 * @returns E_BUNDLE_UNSIGNED or E_BUNDLE_SIGNATURE as problems.
 * @throws {SealiftError} E_TOOL without ssh-keygen.
 */
export async function checkSignatures(
  directory: string,
  text: Uint8Array,
  policy: SignaturePolicy,
): Promise<SignatureCheck> {
  const files = await signatureFiles(directory);
  if (files.length === 0) {
    const problem = unsigned(directory);
    const [problems, overridden] = policy.allowUnsigned === true ? [[], [problem]] : [[problem], []];
    return { signers: [], keys: [], problems, overridden, ignoredSignatures: [] };
  }
  const keys = await readKeyFiles(directory, policy);
  if ("problems" in keys)
    return { signers: [], keys: [], problems: keys.problems, overridden: [], ignoredSignatures: [] };
  const trusts = await trustsOf(files, text, policy, keys);
  const allowed = allowedSigners(keys.allowed.toString());
  const people = peopleOf(
    trusts.flatMap((trust) => ("signer" in trust ? [trust] : [])),
    allowed,
  );
  const signers = people.map(({ name }) => name);
  const reasons = trusts.map((trust, at) => problemOf(directory, files[at], trust));
  const broken = reasons.flatMap((reason) => (reason?.broken === true ? [reason.problem] : []));
  const untrusted = reasons.flatMap((reason) => (reason?.broken === false ? [reason.problem] : []));
  const needed = policy.minSignatures ?? 1;
  const enough = people.length >= needed;
  // When the key of a further person is not trusted, naming the person would be too little.
  const others = untrusted.length > 0 ? [] : firstNames(allowed);
  const few =
    enough || people.length === 0 ? [] : [tooFew(directory, people, needed, policy.allowedSigners, others)];
  return {
    signers,
    keys: fingerprintsOf(people),
    problems: [...broken, ...(enough ? [] : untrusted), ...few],
    overridden: [],
    ignoredSignatures: enough ? untrusted : [],
  };
}

function fingerprintsOf(people: readonly Person[]): readonly string[] {
  // For a certificate, the allowed signers file names its CA, and the CA can be revoked.
  const keys = people
    .flatMap(({ signings }) => signings)
    .flatMap(({ key: { key, authority } }) => (authority === undefined ? [key] : [key, authority]));
  return [...new Set(keys)].map((key) => keyFingerprint(Buffer.from(key, "base64"))).sort();
}

/** Asks ssh-keygen about each signature. It gets copies, since it would read files of the bundle several times. */
async function trustsOf(
  files: readonly SignatureFile[],
  text: Uint8Array,
  policy: SignaturePolicy,
  keys: KeyFiles,
): Promise<readonly SignatureTrust[]> {
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
      programConcurrency,
      async ({ name, text: own, signature }) => {
        const { path } = await copied(name, Buffer.from(own, "latin1"), name);
        return signatureTrust(signature, path, text, { allowed, ...revoked });
      },
    );
    refuse(problems);
    return values;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A bundle may have any number of signatures, but this machine has few CPUs. */
const programConcurrency = 4;

function problemOf(
  directory: string,
  file: SignatureFile | undefined,
  trust: SignatureTrust,
): { readonly problem: Problem; readonly broken: boolean } | undefined {
  if ("signer" in trust) return undefined;
  const { found, expected, fix, broken } = trust;
  const subject = file?.name ?? inside.signature;
  return { problem: { where: directory, code: "E_BUNDLE_SIGNATURE", subject, found, expected, fix }, broken };
}

function unsigned(directory: string): Problem {
  return {
    where: directory,
    code: "E_BUNDLE_UNSIGNED",
    subject: inside.signature,
    found: "the bundle has no signature",
    expected: "a signed bundle",
    fix: "build it with --key, sign it with sealift bundle sign, or get the signed one",
  };
}

/** @param names people who could sign; empty when a name would be too little. */
function tooFew(
  directory: string,
  people: readonly Person[],
  needed: number,
  allowed: string,
  names: readonly string[],
): Problem {
  const own = people.flatMap(({ signings }) => signings.flatMap((one) => one.names)).map(normalName);
  const others = names.filter((name) => !own.includes(normalName(name)));
  const next = others.length > 1 ? `one of ${others.join(", ")}` : (others[0] ?? "another trusted person");
  return {
    where: directory,
    code: "E_BUNDLE_SIGNATURE",
    subject: "signatures",
    found: `${people.length} of ${needed}: signed by ${people.map(described).join(", ")}`,
    expected: `signatures by ${needed} different people listed in ${allowed}`,
    fix: `have ${next} run: sealift bundle sign ${directory} --key <key>`,
  };
}

/** A person, and why further signatures are not of further people. */
function described({ name, signings }: Person): string {
  const count = new Set(signings.map(({ key }) => key.key)).size;
  const names = new Set(signings.map(({ signer }) => signer)).size;
  if (names > 1)
    return `${name} (${[...new Set(signings.map(({ signer }) => signer))].join(" and ")}: same name or key)`;
  return count > 1 ? `${name} (${count} keys of one person)` : name;
}
