/** Probes everything that a site needs, and refuses before anything is changed anywhere. */
import { presentRetainedBlobs, type Delivery } from "../core/host/delivery.ts";
import { differences } from "../core/host/drift.ts";
import { refuse, type Problem } from "../core/errors.ts";
import type { Library } from "../core/host/library.ts";
import { operatorProblems } from "../core/operator.ts";
import type { Probe, UnprobedHost } from "../core/host/probe.ts";
import type { CaBundle } from "../core/site/registry.ts";
import type { StoreCertificates } from "../backup/certificates.ts";
import type { HostFiles } from "../core/host/blob.ts";
import type { RolloutSpec } from "../core/site/rollout.ts";
import type { HostSpec, ReceiptSpec } from "../core/site/site-spec.ts";
import type { BundleAge } from "../core/host/step.ts";
import type { SwarmState } from "../swarm/state.ts";
import { probeSite, loadSite, type HostProbe } from "./probe-site.ts";
import { deliveriesOf, seedsOf, retainedBlobsOf, type HostPhases } from "./phases.ts";
import type { RegistryContent } from "../registry/content.ts";
import { hostRefusals, hostWarnings } from "./host-findings.ts";

export interface HostPlan {
  readonly spec: HostSpec;
  /** The engine of this host from the bundle, and its plugins. */
  readonly files: HostFiles;
  /** What must be on the host before its first phase. */
  readonly deliveries: readonly Delivery[];
  /** Blobs of other versions that the host keeps. */
  readonly retainedBlobs: readonly Delivery[];
  /** What its registry is sent once it runs; empty on a host without a registry. */
  readonly seeds: readonly Delivery[];
  readonly phases: HostPhases;
  readonly probe: Probe;
  /** Warnings about a host that may be changed. */
  readonly warnings: readonly Problem[];
}

export interface SitePlan {
  readonly bundle: BundleAge;
  readonly library: Library;
  /** sha256 of the lock of the bundle, and its signers. */
  readonly lockSha256: string;
  readonly signers: readonly string[];
  readonly rollout: RolloutSpec;
  readonly receipt: ReceiptSpec | undefined;
  /** The CAs of the registry; undefined while they are unknown. */
  readonly caBundles: readonly CaBundle[] | undefined;
  /** Hosts of the registry that do not respond, by name. */
  readonly unreachable: readonly string[];
  /** Of the stores of backups that are known. */
  readonly storeCertificates: StoreCertificates;
  /** Absent: the site has no swarm. */
  readonly swarm?: SwarmState;
  readonly hosts: readonly HostPlan[];
  /** Warnings about a bundle that passes, and about the site as a whole. */
  readonly warnings: readonly Problem[];
}

/**
 * Checks the operator's machine, site file, bundle and all hosts, in this order: each needs the one before.
 *
 * @param value the site as written.
 * @param file the site file, for line and column.
 * @param unprobed hosts whose address, port or host key is not known, by name. Default none.
 * @throws {SealiftError} with every problem of the first of them that has any.
 */
export async function planSite(
  value: unknown,
  file: string,
  unprobed?: ReadonlyMap<string, UnprobedHost>,
): Promise<SitePlan> {
  refuse(operatorProblems(process.env));
  const inputs = await loadSite(value, file, undefined, new Set(unprobed?.keys()));
  const { bundle = { serial: 0 }, content, problems } = inputs;
  refuse(problems);
  const {
    hosts: probes,
    caBundles,
    unreachable,
    storeCertificates,
    swarm,
    problems: untrusted,
    warnings,
  } = await probeSite(inputs, unprobed === undefined ? {} : { unprobed });
  const refusals = probes.flatMap(({ spec, probe }) => hostRefusals(spec, probe));
  refuse([...untrusted, ...unlessCured(refusals, probes)]);
  return {
    ...inputs,
    bundle,
    caBundles,
    unreachable,
    storeCertificates,
    ...(swarm === undefined ? {} : { swarm }),
    hosts: probes.flatMap((host) => hostPlans(host, content)),
    warnings: [...inputs.warnings, ...warnings],
  };
}

/** A swarm may lack its quorum because the engines of managers are down, which this run starts: then its last phases decide. */
function unlessCured(refusals: readonly Problem[], probes: readonly HostProbe[]): readonly Problem[] {
  const cures = probes.some(({ planned, probe }) => {
    const { cluster, daemon } = planned?.phases ?? {};
    return cluster !== undefined && daemon !== undefined && (differences(daemon, probe) ?? []).length > 0;
  });
  return cures ? refusals.filter(({ code }) => code !== "E_SWARM_QUORUM") : refusals;
}

/** Without a problem of the bundle, every host has a plan. */
function hostPlans({ spec, planned, probe }: HostProbe, content: RegistryContent): HostPlan[] {
  if (planned === undefined) return [];
  const { files, phases } = planned;
  const sent = {
    deliveries: deliveriesOf(spec, files),
    retainedBlobs: presentRetainedBlobs(retainedBlobsOf(spec, files), probe),
    seeds: seedsOf(spec, content),
  };
  return [{ spec, files, phases, ...sent, probe, warnings: hostWarnings(spec, probe) }];
}
