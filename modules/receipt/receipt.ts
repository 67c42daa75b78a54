/** The state of a site at the end of a run, for auditors. Pure. */
import { basename } from "node:path";
import { appStatusCode, parseAppStatus, versionOf, type ServiceHealth } from "../apps/status.ts";
import { backupStatusCode, parseBackupStatus } from "../backup/client-status.ts";
import { parseRehearsalStatus } from "../backup/rehearsal-status.ts";
import { registryBackup } from "../core/site/backed-apps.ts";
import { parseStoreStatus, storeStatusCode } from "../backup/store-status.ts";
import { endpoint } from "../core/endpoint.ts";
import { differences } from "../core/host/drift.ts";
import { mountsOf } from "../core/site/mounts.ts";
import type { Probe } from "../core/host/probe.ts";
import type { Step } from "../core/host/step.ts";
import { certificates } from "../registry/steps.ts";
import { factPhases } from "../rollout/phases.ts";
import type { HostPlan } from "../rollout/plan-site.ts";

export interface Receipt {
  readonly format: 4;
  /** Name of the stack. */
  readonly site: string;
  /** Its number among the receipts of this site: 1, 2, 3 … */
  readonly number: number;
  /** The previous receipt; null for the first. The next receipt reveals one that is missing. */
  readonly previous: { readonly file: string; readonly sha256: string } | null;
  /** ISO 8601, UTC. */
  readonly began: string;
  readonly ended: string;
  readonly bundle: {
    readonly serial: number;
    /** sha256 of the lock that it was built from. */
    readonly lockSha256: string;
    /** Everyone whose signature of the bundle is trusted. */
    readonly signers: readonly string[];
  };
  readonly run: RunReceipt;
  /** Warnings about the operator's machine, the bundle and the hosts; facts with a warning are with their host. */
  readonly warnings: readonly WarningReceipt[];
  readonly hosts: readonly HostReceipt[];
}

/** Who ran what, as the operator's machine reports. */
export interface RunReceipt {
  /** Account and name of that machine. */
  readonly user: string;
  readonly machine: string;
  /** Version of Sealift. */
  readonly sealift: string;
  /** The site's files in git; null if they are not in a git repository or git is not installed. */
  readonly checkout: { readonly commit: string; readonly changed: boolean } | null;
}

export interface WarningReceipt {
  /** A host, or a file. */
  readonly where: string;
  readonly code: string;
  readonly text: string;
}

/** What the run itself knows about a host, and separately what the host reports. */
export interface HostReceipt {
  readonly name: string;
  /** `address:port`. */
  readonly address: string;
  /** The engine version of the site. */
  readonly engine: string;
  readonly team?: string;
  /** A machine with the host's pinned key answered. */
  readonly reached: boolean;
  /** Files that the lock pins for this host. */
  readonly expectedFiles: readonly FileReceipt[];
  /** Codes of the facts that did not hold before the run and hold now, as the host reports. */
  readonly changed: readonly string[];
  readonly statement: HostStatement;
}

/** What a host reports about itself: it is not verified independently, and a compromised host may report anything. */
export interface HostStatement {
  /** First eight digits of machine-id(5); absent if the host did not answer. */
  readonly machine?: string;
  readonly facts: readonly FactReceipt[];
  /** Hashes computed by the host, at most a day earlier for files that have not changed since (inode(7), ctime). */
  readonly installed: readonly FileReceipt[];
  readonly volumes: readonly VolumeReceipt[];
  /** Certificates that the host created; none without a registry. */
  readonly certificates: readonly CertificateReceipt[];
  /** Accounts equivalent to root; absent if the host did not report them. */
  readonly access?: AccessReceipt;
  /** Images of its running containers; absent if the host did not report them or has no engine of the bundle. */
  readonly images?: ImagesReceipt;
  /** Applications of the site that the host reported on. @default none */
  readonly applications?: readonly ApplicationReceipt[];
  /** The last good backup of its registry; absent: there is none, or it is not backed up. */
  readonly registryBackup?: BackupReceipt;
  /** On a host that stores backups. */
  readonly repositories?: readonly RepositoryReceipt[];
  readonly rehearsals?: readonly RehearsalReceipt[];
}

/** An application, as the engine of its host describes it. */
export interface ApplicationReceipt {
  readonly name: string;
  /** Of its current release; absent if it has none. */
  readonly version?: string;
  readonly release?: string;
  readonly services: readonly {
    readonly name: string;
    readonly containers: number;
    readonly health: ServiceHealth;
    /** As `id` of running images; several when its containers differ. */
    readonly images: readonly string[];
  }[];
  /** Number of containers that are not listed. */
  readonly more: number;
  /** Its last good backup; absent: there is none, or it is not backed up. */
  readonly backup?: BackupReceipt;
}

/** A good backup, as its host reports it. */
export interface BackupReceipt {
  readonly at: string;
  readonly release: string;
  /** Id of the snapshot in the repository. */
  readonly snapshot: string;
  readonly bytes: number;
}

/** The repository of a host, in a store of backups. */
export interface RepositoryReceipt {
  readonly path: string;
  readonly result?: string;
  readonly checked?: string;
  readonly backups?: number;
  readonly bytes?: number;
  readonly copied: readonly { readonly host: string; readonly at: string }[];
}

/** The last rehearsed restore of an application. */
export interface RehearsalReceipt {
  readonly name: string;
  /** Name of the host that runs it. */
  readonly of: string;
  readonly at: string;
  readonly result: "good" | "failed";
  readonly seconds?: number;
  /** When the backup was made. */
  readonly backup?: string;
  readonly bytes?: number;
}

export interface AccessReceipt {
  /** Members of the group docker. */
  readonly docker: readonly string[];
  /** Users with sudo rules, and the rules, without anything that could be a password. */
  readonly sudo: readonly { readonly user: string; readonly rules: string }[];
  /** Number of accounts for which sudo was not queried, for lack of time. */
  readonly unchecked: number;
  /** Accounts besides root with uid 0. @default none */
  readonly root?: readonly string[];
  /** Accounts for which sudo gave no answer: their rules are unknown. @default none */
  readonly unanswered?: readonly string[];
  /** Number of entries of each list that are left out. @default none */
  readonly more?: Readonly<Partial<Record<AccessList, number>>>;
}

export type AccessList = "root" | "docker" | "sudo";

export interface ImagesReceipt {
  readonly running: readonly {
    readonly name: string;
    /** `sha256:…` of its configuration, or of its manifest with the containerd store. */
    readonly id: string;
    readonly containers: number;
  }[];
  /** Number of running images that are not listed. */
  readonly more: number;
}

export interface FileReceipt {
  readonly path: string;
  readonly sha256: string;
}

export interface CertificateReceipt {
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly ends: string;
}

/** A fact with a warning does not hold. `unseen`: it was not checked, or the host did not report it. */
export type FactState = "holds" | "warned" | "fails" | "unseen";

export interface FactReceipt {
  readonly code: string;
  readonly fact: string;
  readonly state: FactState;
  /** The finding, or the text of the warning. */
  readonly found?: string;
}

export interface VolumeReceipt {
  readonly mount: string;
  readonly bytes: number;
  readonly usedBytes: number;
}

/** What a receipt reports in addition to the facts: installed files, usage of volumes, expiry of certificates. */
export function receiptSteps({
  spec,
  files,
  phases,
}: Pick<HostPlan, "spec" | "files" | "phases">): readonly Step[] {
  const question = (code: string, fact: string, ...call: Step["call"]): Step => ({
    ...{ code, fact, call, effect: "none" },
  });
  return [
    question(
      installedCode,
      "the host reports what is installed",
      "installed",
      ...pathsOf(files).map(({ path }) => path),
    ),
    ...mountsOf(spec.volumes).map(({ mount }) =>
      question(fillCode(mount), `the host reports how full ${mount} is`, "fill", mount),
    ),
    ...(phases.registry === undefined ? [] : certificates).map(({ name, path }) =>
      question(endsCode(path), `the host reports when the ${name} expires`, "ends", path),
    ),
    question(accessCode, "the host reports who may use docker and sudo", "access"),
    question(imagesCode, "the host reports which images run", "running_images"),
  ];
}

const installedCode = "receipt.installed";
const accessCode = "receipt.access";
const imagesCode = "receipt.images";
const fillCode = (mount: string): string => `receipt.fill.${mount}`;
const endsCode = (path: string): string => `receipt.ends.${path}`;

/** The files that the lock pins, with their paths on the host. */
function pathsOf({ archive, plugins }: HostPlan["files"]): readonly FileReceipt[] {
  return [
    ...archive.members.map(({ path, sha256 }) => ({
      path: `/opt/docker/${archive.version}/bin/${basename(path)}`,
      sha256,
    })),
    ...plugins.map(({ name, version, sha256 }) => ({
      path: `/opt/docker/plugins/docker-${name}-${version}`,
      sha256,
    })),
  ];
}

/** @param after the probe after the run; `host.probe` is the one before it. */
export function hostReceipt(host: HostPlan, after: Probe): HostReceipt {
  const { spec, files, phases, probe } = host;
  const all = factPhases(phases);
  const reached = after.kind === "reached";
  const facts = all.flatMap(({ steps }) => steps.map((step) => factOf(step, after)));
  const before = all.flatMap((phase) => differences(phase, probe) ?? []).map(({ step }) => step.code);
  const reported = new Set(facts.filter(({ state }) => state === "holds").map(({ code }) => code));
  return {
    name: spec.name,
    address: endpoint(spec.address, spec.port),
    engine: spec.engine.version,
    ...(spec.team === undefined ? {} : { team: spec.team }),
    reached,
    expectedFiles: pathsOf(files),
    changed: before.filter((code) => reported.has(code)),
    statement: {
      ...(reached && after.report.revision !== undefined ? { machine: after.report.revision.machine } : {}),
      facts,
      installed: reached ? installedOf(after) : [],
      volumes: reached ? fillOf(host, after) : [],
      certificates: reached ? endsOf(after) : [],
      ...(reached ? statementOf(after) : {}),
      ...(reached ? applicationsOf(spec, after) : {}),
      ...(reached ? named("registryBackup", backupOf(registryBackup, after)) : {}),
      ...(reached ? storedOf(after) : {}),
    },
  };
}

function factOf({ code, fact }: Step, after: Probe): FactReceipt {
  if (after.kind !== "reached") return { code, fact, state: "unseen", found: "no response" };
  const report = after.report.steps.find((step) => step.code === code);
  if (report === undefined) return { code, fact, state: "unseen" };
  if (report.status === "ok") return { code, fact, state: "holds" };
  return {
    code,
    fact,
    state: report.status === "warn" ? "warned" : "fails",
    found: report.found || "otherwise",
  };
}

/** PATH_MAX of Linux. */
const longestPath = 4096;

/** `<path> <sha256>` pairs, separated by blanks. */
function installedOf({ report }: Reached): readonly FileReceipt[] {
  const words = (report.values?.[installedCode] ?? "").split(" ");
  return words.flatMap((path, at) => {
    const sha256 = words[at + 1] ?? "";
    return at % 2 === 0 && path.startsWith("/") && path.length <= longestPath && /^[0-9a-f]{64}$/.test(sha256)
      ? [{ path, sha256 }]
      : [];
  });
}

function fillOf(host: HostPlan, after: Reached): readonly VolumeReceipt[] {
  return mountsOf(host.spec.volumes).flatMap(({ mount }) => {
    const [, bytes, used] = /^(\d{1,15}) (\d{1,15})$/.exec(answer(after, fillCode(mount))) ?? [];
    return bytes === undefined ? [] : [{ mount, bytes: Number(bytes), usedBytes: Number(used) }];
  });
}

function endsOf(after: Reached): readonly CertificateReceipt[] {
  return certificates.flatMap(({ name, path }) => {
    // As openssl writes it: "Nov 21 18:00:00 2027 GMT".
    const ends = new Date(answer(after, endsCode(path)));
    const four = ends.getUTCFullYear() > 0 && ends.getUTCFullYear() < 10_000;
    return four ? [{ name, ends: ends.toISOString() }] : [];
  });
}

/** Untrusted input from the host: anything that does not look like an account, a rule or an image is left out. */
function statementOf({ report }: Reached): Pick<HostStatement, "access" | "images"> {
  const access = report.values?.[accessCode];
  const images = report.values?.[imagesCode];
  return {
    ...(access === undefined ? {} : { access: accessOf(access.split("; ")) }),
    ...(images === undefined ? {} : { images: imagesOf(images.split("; ")) }),
  };
}

const account = /^[A-Za-z0-9_.@\\$-]{1,100}$/;

function accessOf(words: readonly string[]): AccessReceipt {
  const of = (key: string): string[] =>
    words.flatMap((word) => (word.startsWith(`${key}=`) ? [word.slice(key.length + 1)] : []));
  const names = (key: string): string[] => of(key).filter((name) => account.test(name));
  const sudo = of("sudo").flatMap((text) => {
    const cut = text.indexOf(" ");
    const [user, rules] = [text.slice(0, Math.max(cut, 0)), text.slice(cut + 1, cut + 301)];
    return account.test(user) ? [{ user, rules }] : [];
  });
  const [root, docker, unanswered] = [names("root"), names("docker"), names("unanswered")];
  // Names that are not valid accounts count as not listed.
  const more = {
    root: numberIn(of("moreRoot")[0]) + of("root").length - root.length,
    docker: numberIn(of("moreDocker")[0]) + of("docker").length - docker.length,
    sudo: numberIn(of("moreSudo")[0]) + of("sudo").length - sudo.length,
  };
  const counted = Object.fromEntries(Object.entries(more).filter(([, count]) => count > 0));
  return {
    ...{ docker, sudo },
    unchecked: numberIn(of("unchecked")[0]) + of("unanswered").length - unanswered.length,
    ...(root.length === 0 ? {} : { root }),
    ...(unanswered.length === 0 ? {} : { unanswered }),
    ...(Object.keys(counted).length === 0 ? {} : { more: counted }),
  };
}

function imagesOf(words: readonly string[]): ImagesReceipt {
  const listed = words.filter((word) => word !== "" && !word.startsWith("more="));
  const running = listed.slice(0, 100).flatMap((word) => {
    const [, count, id, name] =
      /^(\d{1,9}) (sha256:[0-9a-f]{64}) ([A-Za-z0-9._:\/@[\]-]{1,300})$/.exec(word) ?? [];
    return id === undefined || name === undefined ? [] : [{ name, id, containers: Number(count) }];
  });
  const uncounted = numberIn(words.find((word) => word.startsWith("more="))?.slice(5));
  return { running, more: uncounted + listed.length - running.length };
}

function applicationsOf(
  { apps }: HostPlan["spec"],
  { report }: Reached,
): Pick<HostStatement, "applications"> {
  const applications = apps.flatMap(({ name }): ApplicationReceipt[] => {
    const value = report.values?.[appStatusCode(name)];
    if (value === undefined) return [];
    const { release, services, more } = parseAppStatus(value);
    return [
      {
        name,
        ...(release === undefined ? {} : { version: versionOf(release), release }),
        services: services.map(({ name: service, containers, health, images }) => ({
          ...{ name: service, containers, health, images },
        })),
        more,
        ...named("backup", backupOf(name, { report })),
      },
    ];
  });
  return applications.length === 0 ? {} : { applications };
}

/** Of an application, or of the registry. */
function backupOf(name: string, { report }: Pick<Reached, "report">): BackupReceipt | undefined {
  const { last } = parseBackupStatus(report.values?.[backupStatusCode(name)] ?? "");
  if (last === undefined) return undefined;
  return { at: last.at, release: last.release, snapshot: last.snapshot, bytes: last.bytes };
}

function named<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Partial<Readonly<Record<Key, Value>>> {
  return value === undefined ? {} : ({ [key]: value } as Record<Key, Value>);
}

/** What a store of backups reports. */
function storedOf({ report: { values = {} } }: Reached): Pick<HostStatement, "repositories" | "rehearsals"> {
  const repositories = parseStoreStatus(values[storeStatusCode] ?? "");
  const rehearsals = Object.entries(values).flatMap(([code, value]): RehearsalReceipt[] => {
    const [, name = ""] = /^rehearsal\.([a-z0-9-]{1,100})(?:\..+)?\.status$/.exec(code) ?? [];
    const found = name === "" ? undefined : parseRehearsalStatus(value);
    if (found === undefined) return [];
    const { of, at, result, seconds, backup, bytes } = found;
    return [
      {
        ...{ name, of, at, result },
        ...(seconds === undefined ? {} : { seconds }),
        ...(backup === undefined ? {} : { backup }),
        ...(bytes === undefined ? {} : { bytes }),
      },
    ];
  });
  return {
    ...(repositories.length === 0 ? {} : { repositories }),
    ...(rehearsals.length === 0 ? {} : { rehearsals }),
  };
}

function numberIn(text: string | undefined): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

function answer({ report }: Reached, code: string): string {
  return report.steps.find((step) => step.code === code)?.found ?? "";
}

type Reached = Extract<Probe, { kind: "reached" }>;
