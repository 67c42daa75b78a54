/** The secrets of one host, as facts. Pure. */
import { blobStep, type Channel } from "../core/host/blob-step.ts";
import type { Archive, HostSecret } from "../core/host/blob.ts";
import type { Step } from "../core/host/step.ts";

export interface SecretsStepsSpec {
  /** The host's public ssh key: `ssh-ed25519 <base64>`. */
  readonly hostKey: string;
  readonly age: Archive;
  /** None: only the program, for the unlock key of a swarm. */
  readonly secrets: readonly HostSecret[];
  /** The registry that has the bundle; absent: blobs are sent over ssh. */
  readonly channel?: Channel;
}

/** Nothing here stops a container: a changed secret is another file, which a release names or does not. */
export function secretsSteps({ hostKey, age, secrets, channel }: SecretsStepsSpec): readonly Step[] {
  const { version, sha256, members } = age;
  const program = members.find(({ path }) => path === "age" || path.endsWith("/age"));
  const installed: readonly Step[] = [
    blobStep("secrets.archive", `the archive of age ${version}`, "age", age, channel),
    step("program", `age ${version} is installed, byte for byte as pinned in the lock`, [
      "age_program",
      version,
      sha256,
      program?.path ?? "age",
      program?.sha256 ?? "",
    ]),
  ];
  if (secrets.length === 0) return installed;
  return [
    step("key", "the ssh-ed25519 key of this host is the pinned one, and age can read it", [
      "secrets_key",
      hostKey.split(" ")[1] ?? "",
    ]),
    ...installed,
    step("unit", "a unit decrypts the secrets at boot, before the engine starts", ["secrets_unit", version]),
    ...secrets.map((secret) => secretStep(secret, version)),
    step(
      "service",
      "the unit has run since the last boot, and has decrypted everything that the site needs",
      ["secrets_service", ...secrets.map(nameOf)],
    ),
  ];
}

/**
 * After the applications, which may have removed a release; also on a host without secrets, which may have had some.
 */
export function pruneSteps(secrets: readonly HostSecret[]): readonly Step[] {
  return [
    {
      code: "prune.secrets",
      fact: "no secrets are on this host but those of the site and of releases that are kept",
      effect: "none",
      call: ["secrets_others", ...secrets.map(nameOf)],
    },
  ];
}

/** As the list on the host has it. */
function nameOf({ app, name, sha256 }: HostSecret): string {
  return `${app}/${name}.${sha256.slice(0, 8)}`;
}

function secretStep({ app, name, owner, mode, sha256, bytes }: HostSecret, version: string): Step {
  return step(
    `${app}.${name}`,
    `secret ${name} of ${app} is decrypted in memory for ${owner} with mode ${mode} (sha256 ${sha256.slice(0, 12)})`,
    ["secret", app, name, sha256, String(bytes), owner, mode, version],
  );
}

function step(what: string, fact: string, call: Step["call"]): Step {
  return { code: `secrets.${what}`, fact, effect: "none", call };
}
