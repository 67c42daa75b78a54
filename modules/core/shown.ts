/** A value that a person or a program wrote, as messages show it: short, and without what nobody else is to see. Pure. */
import type { Path } from "./locate.ts";
import { withoutLogins } from "./visible.ts";

/** Keys whose values no message shows, wherever they stand: a test holds them equal to the schema's secrets. */
export const secretKeys: readonly string[] = ["passwordHashes", "passwordHash"];

/** Names of keys that the schema does not know, but that somebody may have given to a secret. */
const secretName = /passw(or)?d|passphrase|secret|token|credential|private.?key/i;

/** `name:password@` at the beginning, as some write a proxy without its scheme; `name:tag@sha256:` is an image. */
const bareLogin = /^(\/\/)?[^\s/@:]+:.*@(?!sha256:)/;

const longest = 80;

/** A value in a message: JSON, at most 80 characters. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value, (key, inner: unknown) => withoutSecret(key, inner, secretName));
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text;
}

/** A value as JSON in which every secret is the words `a secret`, and who logs in by a URL is three stars. */
export function withoutSecrets(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => withoutSecret(key, inner));
}

function withoutSecret(key: string, value: unknown, names?: RegExp): unknown {
  if (secretKeys.includes(key) || names?.test(key) === true) return "a secret";
  return typeof value === "string" ? withoutLogins(value).replace(bareLogin, "***@") : value;
}

/** `hosts[0].volumes.disk`, as the person typed it. */
export function subject(path: Path): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
  return text.replace(/^\./, "") || "the site";
}
