/** A value that a person or a program wrote, as messages show it: short, and without secrets. Pure. */
import { withoutLogins } from "./visible.ts";

/** Keys whose values no message shows, wherever they are: a test compares them with the schema's secrets. */
export const secretKeys: readonly string[] = ["passwordHashes", "passwordHash"];

/** Names of keys that the schema does not have, but that somebody may have given to a secret. */
export const secretName = /passw(or)?d|passphrase|secret|token|credential|private.?key/i;

/** `name:password@` at the beginning, as in a proxy without its scheme; `name:tag@sha256:` is an image. */
const bareLogin = /^(\/\/)?[^\s/@:]+:.*@(?!sha256:)/;

/** Whether a text begins with a login. */
export function hasBareLogin(text: string): boolean {
  return bareLogin.test(text);
}

const longest = 80;

/** A value in a message: JSON, at most 80 characters. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value, (key, inner: unknown) => withoutSecret(key, inner, secretName));
  return text.length > longest ? `${text.slice(0, longest - 3)}...` : text;
}

/** A value as JSON in which every secret is replaced by `a secret`, and the credentials of a URL by three asterisks. */
export function withoutSecrets(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => withoutSecret(key, inner));
}

function withoutSecret(key: string, value: unknown, names?: RegExp): unknown {
  if (secretKeys.includes(key) || names?.test(key) === true) return "a secret";
  return typeof value === "string" ? withoutLogins(value).replace(bareLogin, "***@") : value;
}

/** `hosts[0].volumes.disks`, as in the site file. */
export function subject(path: readonly (string | number)[]): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
  return text.replace(/^\./, "") || "the site";
}
