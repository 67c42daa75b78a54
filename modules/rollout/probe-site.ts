/** The state before anything is changed: the site file, the bundle, and all hosts. Refuses nothing. */
import { inParallel } from "../../offline-bundle/io/parallel.ts";
import { verifyBundle, type VerifiedBundle } from "../../offline-bundle/verify.ts";
import type { HostFiles } from "../core/host/blob.ts";
import { SealiftError, type Problem } from "../core/errors.ts";
import { readLibrary, type Library } from "../core/host/library.ts";
import { probe, type Probe, type UnprobedHost } from "../core/host/probe.ts";
import { reportedCa } from "../core/host/reported-ca.ts";
import type { CaBundle } from "../core/site/registry.ts";
import type { RolloutSpec } from "../core/site/rollout.ts";
import {
  type SiteBundleSpec,
  upstreamFirst,
  type HostSpec,
  isServed,
  type ReceiptSpec,
  type ServedHost,
} from "../core/site/site-spec.ts";
import type { BundleAge, Phase } from "../core/host/step.ts";
import { withDatabases } from "../apps/from-bundle.ts";
import { certificatePhase } from "../backup/index.ts";
import { certificateCode, reportedCertificate, type StoreCertificates } from "../backup/certificates.ts";
import { hostFiles } from "../engine/from-bundle.ts";
import { withImageContent } from "../images/from-bundle.ts";
import { phasesOf, type HostPhases, type SiteContext } from "./phases.ts";
import { preflightPhase } from "../preflight/index.ts";
import { environmentOf, type EnvironmentBundle } from "../environments/read-environment.ts";
import { registryContent, type RegistryContent } from "../registry/content.ts";
import { caPhase } from "../registry/index.ts";
import { caCode } from "../registry/steps.ts";
import { siteMissing } from "../environments/stack-file.ts";
import { databaseMajorProblems } from "./database-majors.ts";
import { duplicateMachineProblems } from "./duplicate-machines.ts";
import { swarmPaths, unprovenMembers } from "../swarm/paths.ts";
import { swarmStatePhase } from "../swarm/index.ts";
import { rackWarnings, type Reported, swarmState, swarmStateCode, type SwarmState } from "../swarm/state.ts";
import { readSecrets } from "../secrets/secret-files.ts";
import { readCaFile } from "../trust/ca-file.ts";
import { unchangedNameProblems } from "../trust/from-bundle.ts";

/** A host and its files in the bundle. */
export interface PlannedHost {
  readonly spec: HostSpec;
  /** The engine of this host from the bundle, and its plugins; undefined when a problem says why not. */
  readonly files: HostFiles | undefined;
}

/** A site before any host is probed. */
export interface LoadedSite {
  /** Serial of the bundle, and whether somebody went back to it; undefined when it is refused. */
  readonly bundle: BundleAge | undefined;
  readonly library: Library;
  /** sha256 of the lock of the bundle, and its signers; empty when it is refused. */
  readonly lockSha256: string;
  readonly signers: readonly string[];
  readonly rollout: RolloutSpec;
  readonly receipt: ReceiptSpec | undefined;
  readonly hosts: readonly PlannedHost[];
  /** The content for the site's registry; empty when the site has none. */
  readonly content: RegistryContent;
  /** The CAs of an external registry. */
  readonly caBundles: readonly CaBundle[];
  /** Problems of the bundle, or versions that it lacks. */
  readonly problems: readonly Problem[];
  /** Warnings about a bundle that passes. */
  readonly warnings: readonly Problem[];
}

/** A host with the result of its probe. */
export interface HostProbe {
  readonly spec: HostSpec;
  /** Everything that was checked, in the order of work. */
  readonly phases: readonly Phase[];
  /** The same with its files; undefined when the bundle does not have everything for this host. */
  readonly planned: { readonly files: HostFiles; readonly phases: HostPhases } | undefined;
  readonly probe: Probe;
}

/**
 * Loads site file and bundle.
 *
 * @param value the site as written.
 * @param file the site file, for line and column.
 * @param progress called while the bundle is read: bytes so far, bytes in total.
 * @param unknownKeys names of hosts whose host keys this run does not know. Default none.
 * @throws {SealiftError} with every problem of the site file: without it no host is known.
 */
export async function loadSite(
  value: unknown,
  file: string,
  progress?: (bytes: number, total: number) => void,
  unknownKeys?: ReadonlySet<string>,
): Promise<LoadedSite> {
  if (value === undefined) throw new SealiftError([siteMissing(file)]);
  const environment = await environmentOf(value, file, (spec) => openBundle(spec, progress));
  const { site } = environment;
  const { bundle } = environment.opened;
  const library = readLibrary();
  const externalCa = site.hosts[0]?.registry?.trust.file;
  const read = externalCa === undefined ? [] : readCaFile(externalCa);
  const [caBundles, unread] =
    "where" in read ? [[], [read]] : [read.length === 0 ? [] : [{ certificates: read }], []];
  const common = { library, rollout: site.rollout, receipt: site.receipt, caBundles };
  if (!("serial" in bundle)) {
    const hosts = site.hosts.map((spec) => ({ spec, files: undefined }));
    const content = { manifests: [], blobs: [] };
    const none = { bundle: undefined, lockSha256: "", signers: [] };
    return { ...common, ...none, hosts, content, problems: [...bundle, ...unread], warnings: [] };
  }
  const found = await Promise.all(
    site.hosts.map(async (spec) => {
      const files = hostFiles(spec, bundle, file);
      return { spec, files: "archive" in files ? await withDatabases(files, spec, bundle) : files };
    }),
  );
  const content = site.hosts.some(({ registry }) => registry !== undefined)
    ? registryContent(bundle)
    : { manifests: [], blobs: [] };
  const secrets = readSecrets(site.hosts, file, environment.composed, unknownKeys);
  const repositories = content.manifests.map(({ repository }) => repository);
  return {
    ...common,
    bundle: {
      serial: bundle.serial,
      ...(bundle.backFrom === undefined ? {} : { backFrom: bundle.backFrom }),
    },
    lockSha256: bundle.lockSha256,
    signers: bundle.signers,
    hosts: found.map(({ spec, files }) => ({
      spec,
      files:
        "archive" in files ? secrets.withSecrets(withImageContent(files, spec, bundle), spec) : undefined,
    })),
    content,
    warnings: bundle.warnings,
    problems: [
      ...found.flatMap(({ files }) => ("archive" in files ? [] : files)),
      ...unread,
      ...secrets.problems,
      ...unchangedNameProblems(site.hosts, repositories, file),
    ],
  };
}

/** One ssh connection each: enough to keep the operator's CPUs busy, few enough for a jump host. */
export const probeConcurrency = 32;

export interface ProbeSiteOptions {
  /** Ignore recorded hashes. Default: whether SEALIFT_DEEP is 1. */
  readonly deep?: boolean;
  /** The site's secrets are not decrypted, so that steps that need them are not checked. Default false. */
  readonly secretsClosed?: boolean;
  /** Called for each host that has been probed. */
  readonly onProbed?: () => void;
  /** Hosts whose address, port or host key is not known, by name. Default none. */
  readonly unprobed?: ReadonlyMap<string, UnprobedHost>;
}

/** A site with the results of its probes. */
export interface SiteProbe {
  readonly hosts: readonly HostProbe[];
  /** The CAs of the registry; undefined while one of its hosts has not created its own, or is unreachable. */
  readonly caBundles: readonly CaBundle[] | undefined;
  /** Hosts of the registry that do not respond, by name. */
  readonly unreachable: readonly string[];
  /** Of the stores of backups that have one. */
  readonly storeCertificates: StoreCertificates;
  /** Absent: the site has no swarm. */
  readonly swarm?: SwarmState;
  /**
   * Swarms that are not that of the site, ports between its members, certificates of stores, CAs of registry hosts that must not be trusted, hosts
   * that are one machine, and databases without a rehearsed backup.
   */
  readonly problems: readonly Problem[];
  /** Members of a swarm whose ports could not be proven. */
  readonly warnings: readonly Problem[];
}

/** Probes every host, all at once and read-only; hosts of a registry and stores of backups are asked for their certificates first. */
export async function probeSite(inputs: LoadedSite, options: ProbeSiteOptions = {}): Promise<SiteProbe> {
  const { library, content, bundle = { serial: 0 }, hosts } = inputs;
  const served = upstreamFirst(hosts)
    .map(({ spec }) => spec)
    .filter(isServed);
  const [probed, stores, swarm] = await Promise.all([
    Promise.all(served.map((spec) => caAddress(spec, library, options.unprobed?.get(spec.name)))),
    storesOf(hosts, library, options.unprobed),
    swarmOfSite(hosts, library, options.unprobed),
  ]);
  const unreachable = served.filter((_, at) => probed[at] === "silent").map(({ name }) => name);
  const made = probed.map((one) => (one === "silent" ? undefined : one));
  const problems = made.flatMap((one) => (one !== undefined && "code" in one ? [one] : []));
  const own = made.flatMap((one) => (one === undefined || "code" in one ? [] : [one]));
  const caBundles = own.length < made.length ? undefined : [...inputs.caBundles, ...own];
  const mirrors = hosts.some(({ spec }) => spec.registry?.follows === "mirror");
  const facts = {
    library,
    content,
    bundle,
    mirrors,
    caBundles,
    unreachable,
    storeCertificates: stores.certificates,
    ...(swarm === undefined ? {} : { swarm: swarm.state }),
    clock: Math.floor(Date.now() / 1000),
  };
  const { values: probedHosts } = await inParallel(hosts, probeConcurrency, async (host) => {
    const probe = await probeHost(host, facts, options);
    options.onProbed?.();
    return probe;
  });
  const paths = await swarmPaths(unprovenMembers(probedHosts), library);
  return {
    hosts: probedHosts,
    caBundles,
    unreachable,
    storeCertificates: stores.certificates,
    ...(swarm === undefined ? {} : { swarm: swarm.state }),
    problems: [
      ...problems,
      ...stores.problems,
      ...(swarm?.problems ?? []),
      ...duplicateMachineProblems(probedHosts),
      ...databaseMajorProblems(probedHosts, facts.clock),
      ...paths.problems,
    ],
    warnings: [...rackWarnings(hosts.map(({ spec }) => spec)), ...paths.warnings],
  };
}

/** @returns undefined for a host that has created none. */
async function caAddress(
  spec: ServedHost,
  library: Library,
  unprobed: UnprobedHost | undefined,
): Promise<CaBundle | Problem | "silent" | undefined> {
  if (unprobed !== undefined) return unprobed.kind === "pending" ? undefined : "silent";
  const caProbe = await probe(spec, [caPhase(spec)], library);
  if (caProbe.kind !== "reached") return "silent";
  const value = caProbe.report.values?.[caCode];
  return value === undefined ? undefined : reportedCa(spec, value);
}

/** A store that does not respond, or has no certificate yet, has none here. */
async function storesOf(
  hosts: readonly PlannedHost[],
  library: Library,
  unprobed: ProbeSiteOptions["unprobed"],
): Promise<{ readonly certificates: StoreCertificates; readonly problems: readonly Problem[] }> {
  const asked = hosts.flatMap(({ spec }) => {
    const phase = unprobed?.has(spec.name) === true ? undefined : certificatePhase(spec);
    return phase === undefined ? [] : [{ spec, phase }];
  });
  const found = await Promise.all(
    asked.map(async ({ spec, phase }) => {
      const probed = await probe(spec, [phase], library);
      const value = probed.kind === "reached" ? probed.report.values?.[certificateCode] : undefined;
      return value === undefined ? [] : [{ spec, certificate: reportedCertificate(spec, value) }];
    }),
  );
  const certificates = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { spec, certificate } of found.flat())
    if (typeof certificate === "string") certificates.set(spec.name, certificate);
    else problems.push(certificate);
  return { certificates, problems };
}

/** What the managers of the site's swarm say about it; undefined without one. */
async function swarmOfSite(
  hosts: readonly PlannedHost[],
  library: Library,
  unprobed: ProbeSiteOptions["unprobed"],
): Promise<ReturnType<typeof swarmState> | undefined> {
  const spec = hosts.find((host) => host.spec.swarm !== undefined)?.spec.swarm;
  if (spec === undefined) return undefined;
  const reported = await Promise.all(
    hosts.map(async (host): Promise<[string, Reported][]> => {
      const { name } = host.spec;
      const phase = swarmStatePhase(host.spec);
      if (phase === undefined) return [];
      const known = unprobed?.get(name);
      if (known !== undefined) return [[name, known.kind === "pending" ? "pending" : "silent"]];
      const probed = await probe(host.spec, [phase], library);
      if (probed.kind !== "reached") return [[name, "silent"]];
      return [[name, probed.report.values?.[swarmStateCode] ?? "silent"]];
    }),
  );
  return swarmState(spec, new Map(reported.flat()));
}

/** One read-only probe of a host. Without an engine for it, only preflight is checked. */
async function probeHost(
  { spec, files }: PlannedHost,
  facts: SiteContext,
  { deep = rehashes(), secretsClosed = false, unprobed }: ProbeSiteOptions,
): Promise<HostProbe> {
  const { library, clock } = facts;
  const planned = files === undefined ? undefined : { files, phases: phasesOf(spec, files, facts) };
  const all =
    planned === undefined ? [preflightPhase(spec, undefined, clock)] : Object.values(planned.phases);
  const phases = secretsClosed ? all.map(withoutSecretSteps) : all;
  return {
    spec,
    phases,
    planned,
    probe:
      unprobed?.get(spec.name) ??
      (await probe(spec, phases, libraryForProbe(library, deep), { copies: true })),
  };
}

/** @param deep as {@link ProbeSiteOptions}. */
export function libraryForProbe(library: Library, deep = rehashes()): Library {
  return deep ? { ...library, text: `SEALIFT_DEEP=1\n${library.text}` } : library;
}

function rehashes(): boolean {
  return process.env["SEALIFT_DEEP"] === "1";
}

export function withoutSecretSteps({ name, steps }: Phase): Phase {
  return { name, steps: steps.filter(({ secret }) => secret !== true) };
}

interface OpenedBundle extends EnvironmentBundle {
  /** The verified bundle, or why it is refused. */
  readonly bundle: VerifiedBundle | readonly Problem[];
}

async function openBundle(
  { directory, lock, ...policy }: SiteBundleSpec,
  progress: ((bytes: number, total: number) => void) | undefined,
): Promise<OpenedBundle> {
  try {
    const bundle = await verifyBundle(directory, {
      ...policy,
      ...(lock === undefined ? {} : { lockFile: lock }),
      ...(progress === undefined ? {} : { progress }),
    });
    return { bundle, lock: bundle.lock };
  } catch (error) {
    if (error instanceof SealiftError) return { bundle: error.problems, lock: undefined };
    throw error;
  }
}
