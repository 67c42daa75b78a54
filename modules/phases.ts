/** The order of work on a host: one list, for the program and for every command that looks at hosts. */
import type { HostFiles } from "./core/blob.ts";
import { blobDelivery, deliveryPhase, type Delivery } from "./core/delivery.ts";
import { refuse, type Problem } from "./core/errors.ts";
import type { Library } from "./core/library.ts";
import type { Authority } from "./core/registry.ts";
import { firstTwice } from "./core/report.ts";
import { isServed, type HostSpec, type ServedHost } from "./core/site-spec.ts";
import type { BundleAge, Phase } from "./core/step.ts";
import { daemonPhase } from "./daemon/phase.ts";
import { enginePhase } from "./engine/phase.ts";
import { preflightPhase } from "./preflight/index.ts";
import type { RegistryContent } from "./registry/content.ts";
import { registryPhase, seedPhase } from "./registry/phase.ts";
import { feederCode, seedArrivalPath, seedKeptPath } from "./registry/seed.ts";
import { trustPhase } from "./trust/phase.ts";
import { usersPhase } from "./users/phase.ts";
import { volumesPhase } from "./volumes/phase.ts";

/** In the order of work; preflight and delivery are only checked, before anything is changed. */
export type HostPhases = Readonly<
  Record<"preflight" | "delivery" | "volumes" | "users" | "engine" | "daemon", Phase> & {
    /** On a host that runs the registry: the registry, and the bundle in it. */
    readonly registry?: Phase;
    readonly seed?: Phase;
    /** On every host of a site that has a registry. */
    readonly trust?: Phase;
  }
>;

/** What is the same for all hosts of a site. */
export interface SiteFacts {
  readonly library: Library;
  /** The operator's clock, in seconds since 1970. */
  readonly clock: number;
  /** What the registry of the site is to hold, and the bundle that brings it. */
  readonly content: RegistryContent;
  readonly bundle: BundleAge;
  /** Some engine of the site knows the registry as a mirror of Docker Hub and no other way. */
  readonly mirrors: boolean;
  /** The CAs of the registry, that of the first of its hosts before the others; undefined while they are not known. */
  readonly authorities: readonly Authority[] | undefined;
}

/**
 * Pure: everything that has to be true on one host.
 * @throws {SealiftError} E_CONFLICT when two facts would have one code.
 */
export function phasesOf(host: HostSpec, files: HostFiles, facts: SiteFacts): HostPhases {
  const { library, clock, content, bundle, mirrors, authorities } = facts;
  const { serial } = bundle;
  const deliveries = [...deliveriesOf(host, files), ...seedsOf(host, content)];
  const phases: HostPhases = {
    preflight: preflightPhase(host, files.archive, clock),
    delivery: deliveryPhase(library, deliveries, sparesOf(host, files), bundle),
    volumes: volumesPhase(host),
    users: usersPhase(host),
    ...(isServed(host) && files.registry !== undefined
      ? {
          registry: registryPhase(host, files.registry),
          seed: seedPhase(host, content.manifests, { mirrors, serial, authority: authorities?.[0] }),
        }
      : {}),
    ...(host.registry === undefined ? {} : { trust: trustPhase(host.registry, authorities) }),
    engine: enginePhase(host, files),
    daemon: daemonPhase(host, host.registry?.trust.file === undefined ? [] : certificatesOf(authorities)),
  };
  refuse(codeTwice(host.name, Object.values(phases)));
  return phases;
}

function certificatesOf(authorities: readonly Authority[] = []): readonly string[] {
  return authorities.flatMap(({ certificates }) => certificates);
}

/** Previews, journals and receipts speak of facts by their codes: of two with one code they would lose one. */
export function codeTwice(host: string, phases: readonly Phase[]): readonly Problem[] {
  const code = firstTwice(phases.flatMap(({ steps }) => steps.map((step) => step.code)));
  if (code === undefined) return [];
  const todo = "give what the site or the bundle calls so another name";
  return [
    { where: host, code: "E_CONFLICT", subject: code, got: "two facts of this code", expected: "one", todo },
  ];
}

/** The phases whose facts Sealift makes true; preflight and delivery only say what is there before. */
export function factPhases(phases: HostPhases): readonly Phase[] {
  return Object.values(phases).filter(({ name }) => name !== "preflight" && name !== "delivery");
}

/**
 * Before the registries had their CAs nobody could say what their clients trust, nor whose word one takes that another feeds: the
 * phases themselves have checked it since.
 */
export function withoutAuthorities(phases: HostPhases): HostPhases {
  const known = Object.entries(phases).filter(([name]) => name !== "trust");
  const said = ({ name, steps }: Phase): Phase => ({
    name,
    steps: steps.filter(({ code }) => code !== feederCode),
  });
  return Object.fromEntries(known.map(([name, phase]) => [name, said(phase)])) as HostPhases;
}

/** What has to be on a host before its first phase: with a registry in the site, its program alone, and that on few hosts. */
export function deliveriesOf(host: HostSpec, { archive, plugins, registry }: HostFiles): readonly Delivery[] {
  const blobs = host.registry === undefined ? [archive, ...plugins] : [];
  return [...blobs, ...(registry === undefined ? [] : [registry])].map(blobDelivery);
}

/**
 * Other versions of the same. The copies of those that lie on the host stay in the state, so that a way back sends nothing; with a
 * registry in the site nothing of it is sent in the first place.
 */
export function sparesOf(host: HostSpec, { others = [] }: HostFiles): readonly Delivery[] {
  return host.registry === undefined ? others.map(blobDelivery) : [];
}

/** What the first registry host is sent once its registry runs: the bundle. It feeds the others. */
export function seedsOf(host: HostSpec, content: RegistryContent): readonly Delivery[] {
  if (!isServed(host)) return [];
  const { serves }: ServedHost["registry"] = host.registry;
  if (serves.feeder !== undefined) return [];
  return content.blobs.map((blob) => ({
    ...blob,
    what: `seed-${blob.sha256.slice(0, 12)}`,
    lands: seedArrivalPath(serves, blob.sha256),
    kept: seedKeptPath(serves, blob.sha256),
  }));
}
