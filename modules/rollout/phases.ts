/** The order of work on a host: one list, for the program and for every command that probes hosts. */
import type { Blob, HostFiles } from "../core/host/blob.ts";
import { blobDelivery, deliveryPhase, type Delivery } from "../core/host/delivery.ts";
import { differences } from "../core/host/drift.ts";
import { refuse, type Problem } from "../core/errors.ts";
import type { Probe } from "../core/host/probe.ts";
import type { Library } from "../core/host/library.ts";
import type { CaBundle } from "../core/site/registry.ts";
import { firstDuplicate } from "../core/host/report.ts";
import { isServed, type HostSpec, type ServedHost } from "../core/site/site-spec.ts";
import type { BundleAge, Phase } from "../core/host/step.ts";
import { appsPhase } from "../apps/index.ts";
import { needsCertificate, type StoreCertificates } from "../backup/certificates.ts";
import { backupPhase, managerBackupPhase, rehearsalPhase, storePhase } from "../backup/index.ts";
import { daemonPhase } from "../daemon/index.ts";
import { enginePhase } from "../engine/index.ts";
import { imagesPhase } from "../images/index.ts";
import { preflightPhase } from "../preflight/index.ts";
import type { RegistryContent } from "../registry/content.ts";
import { registryPhase, seedPhase } from "../registry/index.ts";
import { upstreamCode, seedUploadPath, seedStorePath } from "../registry/seed.ts";
import { secretDeliveries, secretsPhase, prunePhase } from "../secrets/index.ts";
import { clusterPhase, swarmPhase } from "../swarm/index.ts";
import { stacksPhase } from "../swarm/stacks-steps.ts";
import type { SwarmState } from "../swarm/state.ts";
import { trustPhase } from "../trust/index.ts";
import { usersPhase } from "../users/index.ts";
import { volumesPhase } from "../volumes/index.ts";

/** In the order of work; preflight and delivery are only checked, before anything is changed. */
export type HostPhases = Readonly<
  Record<"preflight" | "delivery" | "volumes" | "users" | "engine" | "daemon", Phase> & {
    /** On a host that runs the registry: the registry, and the bundle in it. */
    readonly registry?: Phase;
    readonly seed?: Phase;
    /** On every host of a site that has a registry. */
    readonly trust?: Phase;
    /** On every member of a swarm. */
    readonly swarm?: Phase;
    /** On every host that has secrets, and on managers of a swarm that is locked. */
    readonly secrets?: Phase;
    /** On every host for which the site names images. */
    readonly images?: Phase;
    /** On every host that runs applications. */
    readonly apps?: Phase;
    /** On a host that stores backups. */
    readonly store?: Phase;
    /** On every host whose applications or whose registry are backed up. */
    readonly backup?: Phase;
    /** On a host that stores backups: restores that are rehearsed there. */
    readonly rehearsal?: Phase;
    /** On every host of a site that looks after secrets. */
    readonly prune?: Phase;
    /** On every manager of a swarm: the swarm as a whole. */
    readonly cluster?: Phase;
    /** On every manager of a swarm with applications. */
    readonly stacks?: Phase;
    /** On every manager of a swarm that is backed up. */
    readonly "swarm-backup"?: Phase;
  }
>;

/** What is the same for all hosts of a site. */
export interface SiteContext {
  readonly library: Library;
  /** The operator's clock, in seconds since 1970. */
  readonly clock: number;
  /** The content for the site's registry, and its bundle. */
  readonly content: RegistryContent;
  readonly bundle: BundleAge;
  /** Some engine of the site can use the registry only as a mirror of Docker Hub. */
  readonly mirrors: boolean;
  /** The CAs of the registry, that of its first host first; undefined while they are unknown. */
  readonly caBundles: readonly CaBundle[] | undefined;
  /** Of the stores of backups that are known. Default none. */
  readonly storeCertificates?: StoreCertificates;
  /** Hosts of the registry that do not respond, by name. Default none. */
  readonly unreachable?: readonly string[];
  /** Of the swarm of the site. Default none. */
  readonly swarm?: SwarmState;
}

/** The input of a phase. */
interface PhaseInput {
  readonly host: HostSpec;
  readonly files: HostFiles;
  readonly site: SiteContext;
}

/** One phase of the work on a host. */
export interface PhaseEntry {
  readonly name: keyof HostPhases;
  /**
   * check: only examined, before anything is changed. Otherwise a Pulumi resource makes its facts true. `type` is the resource's
   * type token; it is part of every stack's state, so that another token needs an alias. `dependsOn` names phases of the same
   * host that must be done before. `needsBlobs`: it reads files that are delivered over ssh. `afterHosts`: it concerns all hosts at
   * once, so that it is made when the other phases of all hosts are done, host after host; the gate of a wave does not wait for it.
   */
  readonly work:
    | "check"
    | {
        readonly type: `sealift:${string}:${string}`;
        readonly dependsOn: readonly (keyof HostPhases)[];
        readonly needsBlobs?: true;
        readonly afterHosts?: true;
      };
  /** Undefined: this host has no such phase. Pure. */
  readonly make: (input: PhaseInput) => Phase | undefined;
}

/** All phases, in the order of work: a new one is a folder and an entry here. */
export const phaseList: readonly PhaseEntry[] = [
  {
    name: "preflight",
    work: "check",
    make: ({ host, files, site }) => preflightPhase(host, files.archive, site.clock, imageBlobs(files)),
  },
  {
    name: "delivery",
    work: "check",
    make: ({ host, files, site: { library, content, bundle } }) =>
      deliveryPhase(
        library,
        [...deliveriesOf(host, files), ...seedsOf(host, content)],
        retainedBlobsOf(host, files),
        bundle,
      ),
  },
  {
    name: "volumes",
    work: { type: "sealift:volumes:Volumes", dependsOn: [] },
    make: ({ host }) => volumesPhase(host),
  },
  {
    name: "users",
    work: { type: "sealift:users:Users", dependsOn: ["volumes"] },
    make: ({ host }) => usersPhase(host),
  },
  {
    name: "registry",
    work: { type: "sealift:registry:Registry", dependsOn: ["users"], needsBlobs: true },
    make: ({ host, files }) =>
      isServed(host) && files.registry !== undefined ? registryPhase(host, files.registry) : undefined,
  },
  {
    name: "seed",
    work: { type: "sealift:registry:Seed", dependsOn: ["registry"] },
    make: ({ host, files, site: { content, mirrors, bundle, caBundles } }) =>
      isServed(host) && files.registry !== undefined
        ? seedPhase(host, content.manifests, { mirrors, serial: bundle.serial, caBundle: caBundles?.[0] })
        : undefined,
  },
  {
    name: "trust",
    work: { type: "sealift:trust:Trust", dependsOn: ["users"] },
    make: ({ host, site: { caBundles, unreachable } }) =>
      host.registry === undefined ? undefined : trustPhase(host.registry, caBundles, unreachable),
  },
  {
    name: "engine",
    work: { type: "sealift:engine:Engine", dependsOn: ["users", "trust"], needsBlobs: true },
    make: ({ host, files }) => enginePhase(host, files),
  },
  {
    name: "daemon",
    work: { type: "sealift:daemon:Daemon", dependsOn: ["engine"] },
    make: ({ host, site }) =>
      daemonPhase(host, host.registry?.trust.file === undefined ? [] : certificatesOf(site.caBundles)),
  },
  {
    name: "swarm",
    work: { type: "sealift:swarm:Member", dependsOn: ["daemon"] },
    make: ({ host, site: { swarm } }) => swarmPhase(host, swarm),
  },
  {
    name: "secrets",
    work: { type: "sealift:secrets:Secrets", dependsOn: ["users", "trust"], needsBlobs: true },
    make: ({ host, files }) => secretsPhase(host, files),
  },
  {
    name: "store",
    work: { type: "sealift:backup:Store", dependsOn: ["volumes", "secrets"], needsBlobs: true },
    make: ({ host, files, site: { storeCertificates = new Map() } }) =>
      storePhase(host, files, storeCertificates),
  },
  {
    name: "images",
    work: { type: "sealift:images:Images", dependsOn: ["daemon"], needsBlobs: true },
    make: ({ host, files }) => imagesPhase(host, files.images ?? []),
  },
  {
    name: "apps",
    work: { type: "sealift:apps:Apps", dependsOn: ["images", "secrets"], needsBlobs: true },
    make: ({ host, files }) => appsPhase(host, files),
  },
  {
    name: "backup",
    work: { type: "sealift:backup:Backup", dependsOn: ["seed", "apps", "secrets"], needsBlobs: true },
    make: ({ host, files, site: { storeCertificates = new Map() } }) =>
      backupPhase(host, files, storeCertificates),
  },
  {
    name: "rehearsal",
    work: { type: "sealift:backup:Rehearsal", dependsOn: ["store", "apps"], needsBlobs: true },
    make: ({ host, files }) => rehearsalPhase(host, files),
  },
  {
    name: "prune",
    work: { type: "sealift:secrets:Prune", dependsOn: ["secrets", "apps", "store", "backup", "rehearsal"] },
    make: ({ host, files }) => prunePhase(host, files),
  },
  {
    name: "cluster",
    work: { type: "sealift:swarm:Cluster", dependsOn: ["swarm", "secrets"], afterHosts: true },
    make: ({ host }) => clusterPhase(host),
  },
  {
    name: "stacks",
    work: { type: "sealift:swarm:Stacks", dependsOn: ["cluster"], needsBlobs: true, afterHosts: true },
    make: ({ host, files }) => stacksPhase(host, files),
  },
  {
    name: "swarm-backup",
    work: { type: "sealift:backup:Manager", dependsOn: ["cluster", "backup"], afterHosts: true },
    make: ({ host, files }) => managerBackupPhase(host, files),
  },
];

/**
 * Everything that has to be true on one host. Pure.
 * @throws {SealiftError} E_CONFLICT when two facts would have one code.
 */
export function phasesOf(host: HostSpec, files: HostFiles, site: SiteContext): HostPhases {
  const made = phaseList.flatMap(({ name, make }) => {
    const phase = make({ host, files, site });
    return phase === undefined ? [] : [[name, phase] as const];
  });
  refuse(
    duplicateCodeProblems(
      host.name,
      made.map(([, phase]) => phase),
    ),
  );
  return Object.fromEntries(made) as HostPhases;
}

function certificatesOf(caBundles: readonly CaBundle[] = []): readonly string[] {
  return caBundles.flatMap(({ certificates }) => certificates);
}

/** Previews, journals and receipts identify facts by their codes: with two equal codes they would lose one fact. */
export function duplicateCodeProblems(host: string, phases: readonly Phase[]): readonly Problem[] {
  const code = firstDuplicate(phases.flatMap(({ steps }) => steps.map((step) => step.code)));
  if (code === undefined) return [];
  const fix = "rename the object in the site or in bundle.yaml";
  return [
    {
      where: host,
      code: "E_CONFLICT",
      subject: code,
      found: "two facts with this code",
      expected: "one",
      fix,
    },
  ];
}

/** The phases whose facts Sealift makes true; preflight and delivery only report the initial state. */
export function factPhases(phases: HostPhases): readonly Phase[] {
  return phaseList.flatMap(({ name, work }) => (work === "check" ? [] : (phases[name] ?? [])));
}

/** Those of one host alone: what its wave is about. */
export function wavePhases(phases: HostPhases): readonly Phase[] {
  return phaseList.flatMap(({ name, work }) =>
    work === "check" || work.afterHosts === true ? [] : (phases[name] ?? []),
  );
}

/** Without the steps that need a certificate that was not known: the run has made them true with what the store reported. */
export function withoutUnknownCertificates(phases: HostPhases): HostPhases {
  const known = Object.entries(phases).map(([phase, { name, steps }]) => {
    const rest = steps.filter((step) => !needsCertificate(step) || !step.call.includes("unknown"));
    return [phase, { name, steps: rest }] as const;
  });
  return Object.fromEntries(known) as unknown as HostPhases;
}

/** Whether every fact of every phase was found to hold. */
export function isInSync(phases: HostPhases, probe: Probe): boolean {
  return factPhases(phases).every((phase) => differences(phase, probe)?.length === 0);
}

/**
 * Before the registries had their CAs, it was unknown what their clients trust, and whom a downstream registry trusts: the phases
 * themselves have checked it since.
 */
export function withoutCaBundles(phases: HostPhases): HostPhases {
  const known = Object.entries(phases).filter(([name]) => name !== "trust");
  const withoutUpstream = ({ name, steps }: Phase): Phase => ({
    name,
    steps: steps.filter(({ code }) => code !== upstreamCode),
  });
  return Object.fromEntries(known.map(([name, phase]) => [name, withoutUpstream(phase)])) as HostPhases;
}

/**
 * What must be on a host before its first phase: with a registry in the site, only the registry's program, and only on few hosts,
 * and secrets, which are in no bundle.
 */
export function deliveriesOf(host: HostSpec, files: HostFiles): readonly Delivery[] {
  const {
    archive,
    plugins,
    age,
    restic,
    restServer,
    registry,
    apps = [],
    rehearsed = [],
    stacks = [],
  } = files;
  const tools = [archive, ...plugins, ...[age, restic, restServer].filter((one) => one !== undefined)];
  const projects = eachOnce([...apps, ...rehearsed, ...stacks].map((app) => app.archive));
  const blobs = host.registry === undefined ? [...tools, ...imageBlobs(files), ...projects] : [];
  const sent = [...blobs, ...(registry === undefined ? [] : [registry])].map(blobDelivery);
  return [...sent, ...secretDeliveries(files)];
}

function imageBlobs({ images = [] }: HostFiles): readonly Blob[] {
  return eachOnce(images.flatMap(({ content }) => content?.blobs ?? []));
}

/** Images share layers. */
function eachOnce(blobs: readonly Blob[]): readonly Blob[] {
  return [...new Map(blobs.map((blob) => [blob.sha256, blob])).values()];
}

/**
 * Other versions of the same files. Copies of those that are on the host stay in the state, so that a rollback sends nothing;
 * with a registry in the site they are not sent at all.
 */
export function retainedBlobsOf(host: HostSpec, files: HostFiles): readonly Delivery[] {
  if (host.registry !== undefined) return [];
  const { others = [], otherImages = [] } = files;
  const sent = new Set(deliveriesOf(host, files).map(({ sha256 }) => sha256));
  const blobs = [...others, ...otherImages.flatMap(({ content }) => content?.blobs ?? [])];
  return eachOnce(blobs)
    .filter(({ sha256 }) => !sent.has(sha256))
    .map(blobDelivery);
}

/** What the first registry host is sent once its registry runs: the bundle. The other registries copy from it. */
export function seedsOf(host: HostSpec, content: RegistryContent): readonly Delivery[] {
  if (!isServed(host)) return [];
  const { serves }: ServedHost["registry"] = host.registry;
  if (serves.upstreamRegistry !== undefined) return [];
  return content.blobs.map((blob) => ({
    ...blob,
    what: `seed-${blob.sha256.slice(0, 12)}`,
    uploadPath: seedUploadPath(serves, blob.sha256),
    storePath: seedStorePath(serves, blob.sha256),
  }));
}
