/** What there is to see before anything is changed anywhere: the site file, the bundle, and all hosts. It refuses nothing. */
import { inParallel } from "../offline-bundle/parallel.ts";
import { verifyBundle, type VerifiedBundle } from "../offline-bundle/verify.ts";
import type { HostFiles } from "./core/blob.ts";
import { SealiftError, type Problem } from "./core/errors.ts";
import { readLibrary, type Library } from "./core/library.ts";
import { probe, type Probe } from "./core/probe.ts";
import { reportedAuthority } from "./core/reported-authority.ts";
import type { Authority } from "./core/registry.ts";
import type { RolloutSpec } from "./core/rollout.ts";
import {
  type BundleSpec,
  feederFirst,
  type HostSpec,
  isServed,
  type ReceiptSpec,
  type ServedHost,
} from "./core/site-spec.ts";
import type { BundleAge, Phase } from "./core/step.ts";
import { hostFiles } from "./engine/from-bundle.ts";
import { phasesOf, type HostPhases, type SiteFacts } from "./phases.ts";
import { preflightPhase } from "./preflight/index.ts";
import { environmentOf, type Opened } from "./read-environment.ts";
import { registryContent, type RegistryContent } from "./registry/content.ts";
import { authorityPhase } from "./registry/phase.ts";
import { authorityCode } from "./registry/steps.ts";
import { siteMissing } from "./stack-file.ts";
import { twinProblems } from "./twins.ts";
import { readAuthorityFile } from "./trust/authority-file.ts";
import { unchangedNameProblems } from "./trust/from-bundle.ts";

/** A host and what the bundle has for it. */
export interface PlannedHost {
  readonly spec: HostSpec;
  /** The engine of the bundle that this host runs, and its plugins; undefined when a problem says why not. */
  readonly files: HostFiles | undefined;
}

/** A site as it is before any host is looked at. */
export interface Inputs {
  /** Serial of the bundle, and whether somebody has gone back to it; undefined when it is refused. */
  readonly bundle: BundleAge | undefined;
  readonly library: Library;
  /** sha256 of the lock that the bundle was built from, and who signed it; empty when it is refused. */
  readonly lockSha256: string;
  readonly signers: readonly string[];
  readonly rollout: RolloutSpec;
  readonly receipt: ReceiptSpec | undefined;
  readonly hosts: readonly PlannedHost[];
  /** What the site's registry is to hold; nothing when the site has none. */
  readonly content: RegistryContent;
  /** The CAs of a registry that others look after. */
  readonly authorities: readonly Authority[];
  /** What is wrong with the bundle, or missing in it. */
  readonly problems: readonly Problem[];
  /** What to know of a bundle that passes. */
  readonly warnings: readonly Problem[];
}

/** A host as it was seen. */
export interface HostLook {
  readonly spec: HostSpec;
  /** Everything that was looked at, in the order of work. */
  readonly phases: readonly Phase[];
  /** The same with what it is about; undefined when the bundle has not everything for this host. */
  readonly planned: { readonly files: HostFiles; readonly phases: HostPhases } | undefined;
  readonly probe: Probe;
}

/**
 * Site file and bundle.
 * @param value the site as it is written.
 * @param file the file that the site is written in, for line and column.
 * @param progress told while the bundle is read: bytes so far, bytes in all.
 * @throws {SealiftError} with every problem of the site file: without it there is no host to look at.
 */
export async function readInputs(
  value: unknown,
  file: string,
  progress?: (bytes: number, total: number) => void,
): Promise<Inputs> {
  if (value === undefined) throw new SealiftError([siteMissing(file)]);
  const environment = await environmentOf(value, file, (spec) => openBundle(spec, progress));
  const { site } = environment;
  const { bundle } = environment.opened;
  const library = readLibrary();
  const authorityFile = site.hosts[0]?.registry?.trust.file;
  const read = authorityFile === undefined ? [] : readAuthorityFile(authorityFile);
  const [authorities, unread] =
    "where" in read ? [[], [read]] : [read.length === 0 ? [] : [{ certificates: read }], []];
  const common = { library, rollout: site.rollout, receipt: site.receipt, authorities };
  if (!("serial" in bundle)) {
    const hosts = site.hosts.map((spec) => ({ spec, files: undefined }));
    const content = { manifests: [], blobs: [] };
    const none = { bundle: undefined, lockSha256: "", signers: [] };
    return { ...common, ...none, hosts, content, problems: [...bundle, ...unread], warnings: [] };
  }
  const found = site.hosts.map((spec) => ({ spec, files: hostFiles(spec, bundle, file) }));
  const content = site.hosts.some(({ registry }) => registry !== undefined)
    ? registryContent(bundle)
    : { manifests: [], blobs: [] };
  const repositories = content.manifests.map(({ repository }) => repository);
  return {
    ...common,
    bundle: {
      serial: bundle.serial,
      ...(bundle.backFrom === undefined ? {} : { backFrom: bundle.backFrom }),
    },
    lockSha256: bundle.lockSha256,
    signers: bundle.signers,
    hosts: found.map(({ spec, files }) => ({ spec, files: "archive" in files ? files : undefined })),
    content,
    warnings: bundle.warnings,
    problems: [
      ...found.flatMap(({ files }) => ("archive" in files ? [] : files)),
      ...unread,
      ...unchangedNameProblems(site.hosts, repositories, file),
    ],
  };
}

/** One ssh connection each: enough to keep the operator's processors busy, few enough for a jump host in between. */
export const looksAtOnce = 32;

export interface LookOptions {
  /** Checks believe nothing that an earlier look has noted. Default: whether SEALIFT_DEEP is 1. */
  readonly deep?: boolean;
  /** The site's secrets are not known, so that steps that need them are not looked at. Default false. */
  readonly secretsClosed?: boolean;
  /** Called for each host that has been looked at. */
  readonly seen?: () => void;
}

/** A site as it was seen. */
export interface SiteLook {
  readonly hosts: readonly HostLook[];
  /** The CAs of the registry; undefined while one of its hosts has not made its own, or cannot say. */
  readonly authorities: readonly Authority[] | undefined;
  /** CAs that a registry host shows and that nobody may believe, and hosts that are one machine. */
  readonly problems: readonly Problem[];
}

/** One read-only look at every host, all at once; the hosts of a registry are asked for its CAs before. */
export async function lookAtSite(inputs: Inputs, options: LookOptions = {}): Promise<SiteLook> {
  const { library, content, bundle = { serial: 0 }, hosts } = inputs;
  const served = feederFirst(hosts)
    .map(({ spec }) => spec)
    .filter(isServed);
  const made = await Promise.all(served.map((spec) => authorityAt(spec, library)));
  const problems = made.flatMap((one) => (one !== undefined && "code" in one ? [one] : []));
  const own = made.flatMap((one) => (one === undefined || "code" in one ? [] : [one]));
  const authorities = own.length < made.length ? undefined : [...inputs.authorities, ...own];
  const mirrors = hosts.some(({ spec }) => spec.registry?.follows === "mirror");
  const facts = { library, content, bundle, mirrors, authorities, clock: Math.floor(Date.now() / 1000) };
  const { values: seen } = await inParallel(hosts, looksAtOnce, async (host) => {
    const look = await lookAt(host, facts, options);
    options.seen?.();
    return look;
  });
  return { hosts: seen, authorities, problems: [...problems, ...twinProblems(seen)] };
}

async function authorityAt(spec: ServedHost, library: Library): Promise<Authority | Problem | undefined> {
  const seen = await probe(spec, [authorityPhase(spec)], library);
  const value = seen.kind === "reached" ? seen.report.values?.[authorityCode] : undefined;
  return value === undefined ? undefined : reportedAuthority(spec, value);
}

/** One read-only look at a host. Without an engine for it only preflight is looked at. */
async function lookAt(
  { spec, files }: PlannedHost,
  facts: SiteFacts,
  { deep = wantsDeep(), secretsClosed = false }: LookOptions,
): Promise<HostLook> {
  const { library, clock } = facts;
  const planned = files === undefined ? undefined : { files, phases: phasesOf(spec, files, facts) };
  const all =
    planned === undefined ? [preflightPhase(spec, undefined, clock)] : Object.values(planned.phases);
  const phases = secretsClosed ? all.map(withoutSecrets) : all;
  return {
    spec,
    phases,
    planned,
    probe: await probe(spec, phases, libraryToLook(library, deep), { copies: true }),
  };
}

/** @param deep as {@link LookOptions}. */
export function libraryToLook(library: Library, deep = wantsDeep()): Library {
  return deep ? { ...library, text: `SEALIFT_DEEP=1\n${library.text}` } : library;
}

function wantsDeep(): boolean {
  return process.env["SEALIFT_DEEP"] === "1";
}

function withoutSecrets({ name, steps }: Phase): Phase {
  return { name, steps: steps.filter(({ secret }) => secret !== true) };
}

interface OpenedBundle extends Opened {
  /** Verified, or why it is refused. */
  readonly bundle: VerifiedBundle | readonly Problem[];
}

async function openBundle(
  { directory, lock, ...policy }: BundleSpec,
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
