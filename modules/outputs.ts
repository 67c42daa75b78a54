/** What other stacks read of a site by a StackReference: addresses, versions, fingerprints. No secret is among it. */
import * as pulumi from "@pulumi/pulumi";
import type { ImageStore } from "./core/image-store.ts";
import type { Tally } from "./core/drift.ts";
import type { Authority, RegistrySpec } from "./core/registry.ts";
import type { Architecture, HostSpec, UserSpec } from "./core/site-spec.ts";
import { caSha256 } from "./core/ca-shape.ts";
import { fingerprintOf } from "./host-keys.ts";

export interface HostOutput {
  readonly address: string;
  readonly port: number;
  /** `ssh-ed25519 AAAA…`, for a connection that pins it, and the same as `SHA256:…` for people. */
  readonly hostKey: string;
  readonly hostKeyFingerprint: string;
  readonly architecture: Architecture;
  /** Version of the engine. */
  readonly engine: string;
  readonly imageStore: ImageStore;
  readonly dataRoot: string;
  readonly rack?: string;
  readonly team?: string;
  /** URL of the engine by the name of each user who may use it over ssh: `docker context create --docker host=…`. */
  readonly contexts: Readonly<Record<string, string>>;
  /** Its facts when the run had ended, or at the start of a run that had nothing to do there. */
  readonly facts: Tally;
}

export interface RegistryOutput {
  /** `https://registry.site:5000`, with the path before every repository where there is one. */
  readonly url: string;
  /** Who vouches for it; empty where the system's own CAs do. */
  readonly authorities: readonly AuthorityOutput[];
}

export interface AuthorityOutput {
  /** sha256 of the certificate, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
  /** PEM. */
  readonly certificate: string;
}

export interface SiteOutputs {
  /** By name of the host; those of a host that is not begun are not known. */
  readonly hosts: Readonly<Record<string, pulumi.Output<HostOutput>>>;
  /** Absent from a site without one. */
  readonly registry?: pulumi.Output<RegistryOutput>;
}

/**
 * @param begun of each host its last resource, because what is told of a host is told when it is so, and how many of its facts hold.
 * @param authorities the registry's CAs, of the look or of the run itself.
 */
export function siteOutputs(
  hosts: readonly HostSpec[],
  begun: ReadonlyMap<
    string,
    { readonly last: { readonly report: pulumi.Output<string> }; readonly tally: Tally }
  >,
  authorities: readonly pulumi.Input<Authority | undefined>[],
): SiteOutputs {
  const registry = hosts.find((host) => host.registry !== undefined)?.registry;
  const told = hosts.flatMap((host) => {
    const one = begun.get(host.name);
    return one === undefined
      ? []
      : [[host.name, one.last.report.apply(() => hostOutput(host, one.tally))] as const];
  });
  return {
    hosts: Object.fromEntries(told),
    ...(registry === undefined
      ? {}
      : { registry: pulumi.all([...authorities]).apply((known) => registryOutput(registry, known)) }),
  };
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
        .map(({ name }) => [name, `ssh://${name}@${bracketed(address)}:${port}`] as const),
    ),
    facts,
  };
}

function mayUseEngine({ docker = true, locked = false, authorizedKeys }: UserSpec): boolean {
  return docker && !locked && authorizedKeys.length > 0;
}

/** Pure. @param authorities one that is not known yet is left out. */
export function registryOutput(
  { name, port, prefix }: Pick<RegistrySpec, "name" | "port" | "prefix">,
  authorities: readonly (Authority | undefined)[],
): RegistryOutput {
  const path = prefix === "" ? "" : `/${prefix.replace(/\/$/, "")}`;
  return {
    url: `https://${name}:${port}${path}`,
    authorities: authorities
      .filter((one) => one !== undefined)
      .flatMap(({ certificates }) => certificates)
      .map(authorityOutput),
  };
}

function authorityOutput(base64: string): AuthorityOutput {
  const hex = caSha256(base64).toUpperCase();
  const lines = base64.match(/.{1,64}/g) ?? [];
  return {
    fingerprint: (hex.match(/../g) ?? []).join(":"),
    certificate: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
  };
}

/** An IPv6 address in a URL. */
function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
