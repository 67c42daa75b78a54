/** For whom each secret has to be encrypted, and for whom it is. Pure: nothing is decrypted. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { Problem } from "../core/errors.ts";
import { backupApp } from "../core/host/blob.ts";
import { passwordName } from "../core/site/backups.ts";
import type { Composed } from "../core/site/layers/compose.ts";
import type { SiteFile } from "../core/site/merge.ts";
import { type AppSecretSpec, type HostSpec, managedStacks } from "../core/site/site-spec.ts";
import { environmentOfName } from "../core/site/site-text.ts";
import { type AgeHeader, ageHeader, sshTag } from "./age-file.ts";

type Host = Pick<HostSpec, "name" | "hostKey" | "apps"> &
  Partial<Pick<HostSpec, "backup" | "store" | "rehearsals" | "stacks" | "swarm">>;

/** A secret of an application on a host, or the password of a repository of backups. */
export interface SecretUse {
  readonly host: Host;
  /** {@link backupApp} for the password of a repository. */
  readonly app: string;
  /** Its name in the Compose file. */
  readonly name: string;
  readonly spec: AppSecretSpec;
}

/** A secret's file as it is, and the hosts that need it. */
export interface SecretFile {
  /** Path relative to the checkout. */
  readonly file: string;
  readonly uses: readonly SecretUse[];
  readonly state: SecretState;
}

export type SecretState =
  | { readonly kind: "missing" | "not age" }
  | {
      readonly kind: "read";
      readonly sha256: string;
      readonly bytes: number;
      /** Hosts that need it and cannot decrypt it. */
      readonly lacking: readonly string[];
      /** Tags of ssh keys that can decrypt it and belong to no host that needs it. */
      readonly foreign: readonly string[];
      /** What else can decrypt it; a site has exactly one recovery key. */
      readonly others: readonly string[];
      readonly x25519: number;
    };

/** Where a site names a secret of an application. */
export function secretPlace({
  value,
  origins,
}: Pick<Composed, "value" | "origins">): (use: SecretUse) => string {
  const { apps = [] } = value as Pick<SiteFile, "apps">;
  return ({ app, name }) => {
    if (app === backupApp) return origins.locate(["backups", "password"]);
    const at = apps.findIndex((one) => one.name === app && one.secrets?.[name] !== undefined);
    return origins.locate(["apps", at, "secrets", name]);
  };
}

/** Every use of a secret, in the order of hosts, applications and names. */
export function secretUses(hosts: readonly Host[]): readonly SecretUse[] {
  return hosts.flatMap((host) => {
    const rehearsed = (host.rehearsals ?? []).map(({ app }) => app);
    const apps = [...host.apps, ...rehearsed, ...managedStacks(host)].filter(
      (app, at, all) => all.findIndex((one) => one.name === app.name) === at,
    );
    return [
      ...apps.flatMap((app) =>
        Object.entries(app.secrets ?? {}).map(([name, spec]) => ({ host, app: app.name, name, spec })),
      ),
      ...passwordFiles(host).map((file) => ({
        ...{ host, app: backupApp, name: passwordName(file), spec: { file } },
      })),
    ];
  });
}

/** The passwords of repositories that a host needs, each once. */
function passwordFiles({ backup, store }: Host): readonly string[] {
  const own = store?.login === undefined ? [] : [store.login];
  const stored = [...own, ...(store?.logins ?? []), ...(store?.repositories ?? [])].map(
    ({ password }) => password,
  );
  return [...new Set([...(backup === undefined ? [] : [backup.password]), ...stored])];
}

/**
 * The files of all secrets, in the order of the site.
 *
 * @param read the content of a file; undefined when there is none.
 */
export function secretFiles(
  hosts: readonly Host[],
  read: (file: string) => Buffer | undefined,
): readonly SecretFile[] {
  const byFile = Map.groupBy(secretUses(hosts), ({ spec }) => spec.file);
  return [...byFile].map(([file, uses]) => ({ file, uses, state: stateOf(read(file), uses) }));
}

/** The keys of the hosts that need a secret, each once. */
export function keysOf(uses: readonly Pick<SecretUse, "host">[]): readonly string[] {
  return [...new Set(uses.map(({ host }) => host.hostKey))];
}

function stateOf(content: Buffer | undefined, uses: readonly SecretUse[]): SecretState {
  if (content === undefined) return { kind: "missing" };
  const header = ageHeader(content);
  if (header === undefined) return { kind: "not age" };
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { kind: "read", sha256, bytes: content.length, ...compared(header, uses) };
}

function compared(
  { sshTags, x25519, others }: AgeHeader,
  uses: readonly SecretUse[],
): { lacking: readonly string[]; foreign: readonly string[]; others: readonly string[]; x25519: number } {
  const expected = new Map(uses.map(({ host }) => [sshTag(host.hostKey), host.name]));
  return {
    lacking: [...expected].filter(([tag]) => !sshTags.includes(tag)).map(([, host]) => host),
    foreign: sshTags.filter((tag) => !expected.has(tag)),
    others,
    x25519,
  };
}

/** Whether exactly the hosts that need it and one recovery key can decrypt it. */
export function isCurrent(state: SecretState): boolean {
  return (
    state.kind === "read" &&
    state.lacking.length + state.foreign.length + state.others.length === 0 &&
    state.x25519 === 1
  );
}

/**
 * Why secrets cannot be used as they are.
 *
 * @param siteFile names the environment in a fix.
 * @param placeOf where the site names a secret. Default: its file.
 */
export function recipientProblems(
  files: readonly SecretFile[],
  siteFile: string,
  placeOf: (use: SecretUse) => string = () => siteFile,
): readonly Problem[] {
  const environment = environmentOfName(basename(siteFile)) ?? "<env>";
  return files.flatMap(({ file, uses, state }): Problem[] => {
    const [first] = uses;
    if (first === undefined || isCurrent(state)) return [];
    const common = { where: placeOf(first), subject: file };
    const needed = [...new Set(uses.map(({ host }) => host.name))].join(", ");
    if (state.kind !== "read") {
      const found = state.kind === "missing" ? "no such file" : "not a file encrypted by age";
      const expected = `secret ${first.name} of ${first.app}, encrypted by age for ${needed} and the recovery key`;
      const fix = `sealift secret edit ${file} --env ${environment} --app ${first.app}`;
      return [{ ...common, code: "E_SECRET_FILE", found, expected, fix }];
    }
    const expected = `encrypted for exactly the hosts that need it and the recovery key: ${needed}`;
    const fix = `sealift secret rekey ${environment} --identity <file of the recovery key>`;
    return [{ ...common, code: "E_SECRET_RECIPIENT", found: differenceText(state), expected, fix }];
  });
}

/** What distinguishes the recipients of a file from those that it needs. */
export function differenceText({
  lacking,
  foreign,
  others,
  x25519,
}: Extract<SecretState, { kind: "read" }>): string {
  const texts = [
    ...(lacking.length === 0 ? [] : [`not encrypted for ${lacking.join(", ")}`]),
    ...(foreign.length === 0
      ? []
      : [`encrypted for ssh keys of no such host (${foreign.map((tag) => `tag ${tag}`).join(", ")})`]),
    ...(others.length === 0 ? [] : [`encrypted for ${others.join(", ")}`]),
    ...(x25519 === 1 ? [] : [x25519 === 0 ? "no recovery key" : `${x25519} recovery keys`]),
  ];
  return texts.join("; ");
}
