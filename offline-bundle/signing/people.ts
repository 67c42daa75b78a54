/**
 * Who has signed, counted as people: one key is one person, under whatever names, and one name is one person, with whatever keys.
 */
import type { AllowedSigner } from "./allowed-signers.ts";
import type { SshKey } from "../../modules/core/ssh-key.ts";

/** A valid signature by a trusted key. */
export interface Signing {
  /** As named in the allowed signers file. */
  readonly signer: string;
  /** Every name that ssh-keygen finds for it. */
  readonly names: readonly string[];
  readonly key: SshKey;
}

export interface Person {
  /** The name of their first signature. */
  readonly name: string;
  /** All of them, in the order in which they were made. */
  readonly signings: readonly Signing[];
}

/**
 * Signatures belong to one person when they share a key or a name. For a certificate, the key of its CA counts too: its owner can
 * issue certificates for any name.
 *
 * @param allowed the allowed signers file: a key has every name that any of its lines gives it.
 */
export function peopleOf(signings: readonly Signing[], allowed: readonly AllowedSigner[]): readonly Person[] {
  const groups: { readonly traits: PatternTraits; readonly signings: readonly Signing[] }[] = [];
  for (const signing of signings) {
    const traits = traitsOf(signing, allowed);
    const same = groups.filter((group) => share(group.traits, traits));
    for (const group of same) groups.splice(groups.indexOf(group), 1);
    groups.push({
      traits: {
        keys: [...same.flatMap((group) => group.traits.keys), ...traits.keys],
        names: [...same.flatMap((group) => group.traits.names), ...traits.names],
      },
      signings: [...same.flatMap((group) => group.signings), signing],
    });
  }
  const place = ({ signings: [first] }: (typeof groups)[number]): number =>
    first === undefined ? 0 : signings.indexOf(first);
  return groups
    .toSorted((a, b) => place(a) - place(b))
    .map((group) => ({ name: group.signings[0]?.signer ?? "", signings: group.signings }));
}

/** The same name in another spelling is the same name: case and Unicode normalization are ignored. */
export function normalName(name: string): string {
  return name.normalize("NFKC").toLowerCase().trim();
}

interface PatternTraits {
  readonly keys: readonly string[];
  readonly names: readonly string[];
}

function traitsOf({ names, key }: Signing, allowed: readonly AllowedSigner[]): PatternTraits {
  const keys = [key.key, ...(key.authority === undefined ? [] : [key.authority])];
  const lines = allowed.filter((line) => !line.authority && line.key === key.key);
  const all = [...names, ...lines.flatMap(({ principals }) => principals)];
  return { keys, names: all.filter((name) => !name.startsWith("!")).map(normalName) };
}

function share(a: PatternTraits, b: PatternTraits): boolean {
  return (
    a.keys.some((key) => b.keys.includes(key)) ||
    a.names.some((one) => b.names.some((other) => matches(one, other) || matches(other, one)))
  );
}

/**
 * Whether a name matches a pattern (ssh_config(5), PATTERNS). Only the last `*` is extended until the rest matches; earlier ones
 * stay as they are.
 */
function matches(pattern: string, name: string): boolean {
  const [forms, letters] = [Array.from(pattern), Array.from(name)];
  let [form, letter, star, taken] = [0, 0, -1, 0];
  while (letter < letters.length) {
    if (forms[form] === "*") [star, taken, form] = [form, letter, form + 1];
    else if (forms[form] === "?" || forms[form] === letters[letter]) [form, letter] = [form + 1, letter + 1];
    else if (star >= 0) [taken, letter, form] = [taken + 1, taken + 1, star + 1];
    else return false;
  }
  return forms.slice(form).every((one) => one === "*");
}
