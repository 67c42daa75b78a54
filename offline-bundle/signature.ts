/** Checks the signatures of a bundle text against the keys that a site trusts. ssh-keygen decides; the rest are its reasons in words. */
import { access } from "node:fs/promises";
import { type Problem, refuse } from "../modules/core/errors.ts";
import { principalsOf } from "./allowed-signers.ts";
import { inside } from "./layout.ts";
import { inParallel } from "./parallel.ts";
import { type SignatureFile, signatureFiles } from "./signature-files.ts";
import { type Trust, trustOf } from "./trust.ts";

/** Whose signatures count, and how many there have to be. */
export interface SignaturePolicy {
  /** Keys that may sign bundles: a file in the format of ssh-keygen(1), ALLOWED SIGNERS. Its dates and namespaces count. */
  readonly allowedSigners: string;
  /** Keys that no longer count: a KRL of ssh-keygen(1), or a list of public keys. Absent: none. */
  readonly revokedKeys?: string;
  /** How many different people of `allowedSigners` must have signed; with 0 none has to count. @default 1 */
  readonly signatures?: number;
  /** A bundle without any signature passes; one with a wrong signature does not. @default false */
  readonly allowUnsigned?: boolean;
}

export interface SignatureCheck {
  /** Who signed, each once, in the words of the allowed signers file. */
  readonly signers: readonly string[];
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
    return { signers: [], problems, waived, passedOver: [] };
  }
  const absent = await absentFiles(directory, policy);
  if (absent.length > 0) return { signers: [], problems: absent, waived: [], passedOver: [] };
  const { values: trusts, problems: tools } = await inParallel(files, programsAtOnce, (file) =>
    trustOf(file, text, policy),
  );
  refuse(tools);
  const signers = [...new Set(trusts.flatMap((trust) => ("signer" in trust ? [trust.signer] : [])))];
  const reasons = trusts.map((trust, at) => problemOf(directory, files[at], trust));
  const broken = reasons.flatMap((reason) => (reason?.broken === true ? [reason.problem] : []));
  const uncounted = reasons.flatMap((reason) => (reason?.broken === false ? [reason.problem] : []));
  const needed = policy.signatures ?? 1;
  const enough = signers.length >= needed;
  const few =
    enough || signers.length === 0
      ? []
      : [
          tooFew(
            directory,
            signers,
            needed,
            policy,
            uncounted.length > 0 ? [] : await principalsOf(policy.allowedSigners),
          ),
        ];
  return {
    signers,
    problems: [...broken, ...(enough ? [] : uncounted), ...few],
    waived: [],
    passedOver: enough ? uncounted : [],
  };
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

/** @param people who could sign; none when a key of theirs did not count, for then a name says too little. */
function tooFew(
  directory: string,
  signers: readonly string[],
  needed: number,
  { allowedSigners }: SignaturePolicy,
  people: readonly string[],
): Problem {
  const others = people.filter((name) => !signers.includes(name));
  const next =
    others.length > 1 ? `one of ${others.join(", ")}` : (others[0] ?? "somebody else, whose key counts,");
  return {
    where: directory,
    code: "E_BUNDLE_SIGNATURE",
    subject: "signatures",
    got: `${signers.length} of ${needed}: signed by ${signers.join(", ")}`,
    expected: `signatures by ${needed} different people of ${allowedSigners}`,
    todo: `have ${next} run: sealift bundle sign ${directory} --key <key>`,
  };
}

async function absentFiles(
  directory: string,
  { allowedSigners, revokedKeys }: SignaturePolicy,
): Promise<readonly Problem[]> {
  const problem = (file: string, expected: string, todo: string): Problem => ({
    where: directory,
    code: "E_BUNDLE_SIGNATURE",
    subject: inside.signature,
    got: `no file ${file}`,
    expected,
    todo,
  });
  return [
    ...((await exists(allowedSigners))
      ? []
      : [
          problem(
            allowedSigners,
            "an allowed signers file",
            "name the file that lists the keys this site trusts (ssh-keygen(1), ALLOWED SIGNERS)",
          ),
        ]),
    ...(revokedKeys === undefined || (await exists(revokedKeys))
      ? []
      : [
          problem(
            revokedKeys,
            "the list of revoked keys",
            "put the list back: without it nobody knows which keys count",
          ),
        ]),
  ];
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
