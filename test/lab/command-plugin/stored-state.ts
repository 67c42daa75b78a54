/** What a stack's state holds of the fixture's two resources, with the values of this one run named instead. */
import type { Sshd } from "../../support/servers/sshd.ts";
import { isList, isObject, isSecret, type Json, type Properties } from "./properties.ts";

/** Resource type to its inputs and outputs. */
export type StoredState = Readonly<Record<string, { readonly inputs: Json; readonly outputs: Json }>>;

interface Deployment {
  readonly deployment: {
    /** Absent when there are none. */
    readonly resources?: readonly {
      readonly type: string;
      readonly inputs?: Properties;
      readonly outputs?: Properties;
    }[];
  };
}

/** @param exported what `pulumi stack export --show-secrets` prints */
export function storedState(exported: string, sshd: Sshd): StoredState {
  const { deployment } = JSON.parse(exported) as Deployment;
  const named = new Map<Json, string>([
    [sshd.port, "<port>"],
    [sshd.user, "<user>"],
    [sshd.privateKey, "<private key>"],
    [sshd.hostKey, "<host key>"],
  ]);
  return Object.fromEntries(
    (deployment.resources ?? [])
      .filter(({ type }) => type.startsWith("command:"))
      .map(({ type, inputs, outputs }) => [
        type,
        { inputs: name(inputs ?? null, named), outputs: name(outputs ?? null, named) },
      ]),
  );
}

/** Names the run's values and shows a secret as `{ secret: … }`. */
function name(value: Json, named: ReadonlyMap<Json, string>): Json {
  if (isSecret(value)) {
    const { plaintext } = value;
    const open = typeof plaintext === "string" ? (JSON.parse(plaintext) as Json) : null;
    return { secret: name(open, named) };
  }
  if (isList(value)) return value.map((inner) => name(inner, named));
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, name(inner, named)]));
  return named.get(value) ?? value;
}
