/** The stack outputs that other stacks read by a StackReference: addresses, versions, fingerprints. They contain no secret. */
import * as pulumi from "@pulumi/pulumi";
import { endpoint } from "../core/endpoint.ts";
import type { ImageStore } from "../core/site/image-store.ts";
import type { Tally } from "../core/host/drift.ts";
import type { CaBundle, RegistrySpec } from "../core/site/registry.ts";
import type { Architecture, HostSpec, UserSpec } from "../core/site/site-spec.ts";
import { knownValue } from "../core/pulumi/known-output.ts";
import { caSha256 } from "../core/host/ca-shape.ts";
import { fingerprintOf } from "../environments/host-keys.ts";

export interface HostOutput {
  readonly address: string;
  readonly port: number;
  /** `ssh-ed25519 AAAA…`, for a connection that pins it, and as `SHA256:…` for comparison by people. */
  readonly hostKey: string;
  readonly hostKeyFingerprint: string;
  readonly architecture: Architecture;
  /** Version of the engine. */
  readonly engine: string;
  readonly imageStore: ImageStore;
  readonly dataRoot: string;
  readonly rack?: string;
  readonly team?: string;
  /** Engine URL by the name of each user who may use it over ssh: `docker context create --docker host=…`. */
  readonly contexts: Readonly<Record<string, string>>;
  /** Its facts at the end of the run, or at the start of a run that changed nothing there. */
  readonly facts: Tally;
}

export interface RegistryOutput {
  /** `https://registry.site:5000`, with the path prefix of its repositories where there is one. */
  readonly url: string;
  /** The CAs that certify it; empty where the system's own CAs do. */
  readonly caCertificates: readonly CaCertificate[];
}

export interface CaCertificate {
  /** sha256 of the certificate, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
  /** PEM. */
  readonly certificate: string;
}

export interface SiteOutputs {
  /** By name of the host; the outputs of a host that was not started are unknown. */
  readonly hosts: Readonly<Record<string, pulumi.Output<HostOutput>>>;
  /** Absent from a site without one. */
  readonly registry?: pulumi.Output<RegistryOutput>;
}

/**
 * Makes Pulumi keep the outputs of the previous run if this one fails before it registers others. Pulumi keeps them for a program that has registered
 * any outputs, and ends a program as soon as a resource fails; without registered outputs it shows all of them as removed. Source: pulumi 3.259,
 * pkg/resource/deploy/step_executor.go (`stackOutputsEvent`), sdk/nodejs/runtime/resource.ts (`terminateRpcs`).
 */
export function keepOutputs(): void {
  const stack = pulumi.runtime.getStackResource();
  if (stack !== undefined) pulumi.runtime.registerResourceOutputs(stack, {});
}

/** A host that was started. */
interface StartedHost {
  /** Undefined when one of its resources has failed. */
  readonly last: { readonly report: pulumi.Output<string> } | undefined;
  /** How many of its facts hold. */
  readonly tally: Tally;
}

/** By name of the host, for the program around the site: known when the last resource of the host is done, or has failed. */
export function hostOutputs(
  hosts: readonly HostSpec[],
  started: ReadonlyMap<string, StartedHost>,
): SiteOutputs["hosts"] {
  return outputsOf(hosts, started, awaited);
}

function awaited(host: HostSpec, { last, tally }: StartedHost): pulumi.Output<HostOutput> {
  // Nothing of the report is in it.
  return pulumi.unsecret(pulumi.output(last?.report)).apply(() => hostOutput(host, tally));
}

/**
 * For the stack. Of a change that it cannot know, a preview shows only `hosts: {}`; so for the probed hosts it shows what they will have after the run.
 *
 * @param caBundles the registry's CAs, from the probe or from the run.
 * @param probed names of the hosts that were probed.
 */
export function siteOutputs(
  hosts: readonly HostSpec[],
  started: ReadonlyMap<string, StartedHost>,
  caBundles: readonly pulumi.Input<CaBundle | undefined>[],
  probed: ReadonlySet<string> = new Set(),
): SiteOutputs {
  const registry = hosts.find((host) => host.registry !== undefined)?.registry;
  const dryRun = pulumi.runtime.isDryRun();
  return {
    hosts: outputsOf(hosts, started, (host, one) =>
      dryRun && probed.has(host.name)
        ? pulumi.output(hostOutput(host, repaired(one.tally)))
        : awaited(host, one),
    ),
    ...(registry === undefined
      ? {}
      : {
          registry: pulumi.all(caBundles.map(unlessFailed)).apply((known) => registryOutput(registry, known)),
        }),
  };
}

function outputsOf(
  hosts: readonly HostSpec[],
  started: ReadonlyMap<string, StartedHost>,
  outputOf: (host: HostSpec, one: StartedHost) => pulumi.Output<HostOutput>,
): SiteOutputs["hosts"] {
  return Object.fromEntries(
    hosts.flatMap((host) => {
      const one = started.get(host.name);
      return one === undefined ? [] : [[host.name, outputOf(host, one)] as const];
    }),
  );
}

/** Of a run that succeeds, which makes true all that fails before. */
function repaired({ hold, warned, failing }: Tally): Tally {
  return { hold: hold + failing.length, warned, failing: [] };
}

/** A resource that has failed while others continued must not suppress other outputs. */
function unlessFailed(caBundle: pulumi.Input<CaBundle | undefined>): pulumi.Input<CaBundle | undefined> {
  if (pulumi.runtime.isDryRun() || !pulumi.Output.isInstance(caBundle)) return caBundle;
  return knownValue(caBundle);
}

/** Pure. */
export function hostOutput(host: HostSpec, facts: Tally): HostOutput {
  const { address, port, hostKey, architecture, engine, imageStore, daemon, rack, team, users } = host;
  return {
    address,
    port,
    hostKey,
    hostKeyFingerprint: fingerprintOf(hostKey),
    architecture,
    engine: engine.version,
    imageStore,
    dataRoot: daemon["data-root"],
    ...(rack === undefined ? {} : { rack }),
    ...(team === undefined ? {} : { team }),
    contexts: Object.fromEntries(
      users
        .filter(mayUseEngine)
        .map(({ name }) => [name, `ssh://${name}@${endpoint(address, port)}`] as const),
    ),
    facts,
  };
}

function mayUseEngine({ docker = true, locked = false, authorizedKeys }: UserSpec): boolean {
  return docker && !locked && authorizedKeys.length > 0;
}

/** Pure. @param caBundles a CA that is not known yet is omitted. */
export function registryOutput(
  { name, port, prefix }: Pick<RegistrySpec, "name" | "port" | "prefix">,
  caBundles: readonly (CaBundle | undefined)[],
): RegistryOutput {
  const path = prefix === "" ? "" : `/${prefix.replace(/\/$/, "")}`;
  return {
    url: `https://${endpoint(name, port)}${path}`,
    caCertificates: caBundles
      .filter((one) => one !== undefined)
      .flatMap(({ certificates }) => certificates)
      .map(caCertificate),
  };
}

function caCertificate(base64: string): CaCertificate {
  const hex = caSha256(base64).toUpperCase();
  const lines = base64.match(/.{1,64}/g) ?? [];
  return {
    fingerprint: (hex.match(/../g) ?? []).join(":"),
    certificate: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
  };
}
