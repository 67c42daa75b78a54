/** What a client of the registry knows of it, as facts. */
import type { Authority, RegistrySpec } from "../core/registry.ts";
import type { Step } from "../core/step.ts";

export interface TrustSpec {
  readonly registry: Pick<
    RegistrySpec,
    "name" | "port" | "prefix" | "addresses" | "sources" | "follows" | "trust"
  >;
  /** The CAs that vouch for the registry; undefined while a host has not made its own. */
  readonly authorities: readonly Authority[] | undefined;
}

export function trustSteps({ registry, authorities }: TrustSpec): readonly Step[] {
  const { name, port, prefix, addresses, sources, follows } = registry;
  const at = `${name}:${port}`;
  const own = hasOwnAuthority(registry);
  return [
    ...(addresses.length === 0
      ? []
      : [step("name", `${name} leads to ${addresses.join(", ")}`, ["registry_name", name, ...addresses])]),
    step(
      "authority",
      own
        ? `the engine trusts the CA of ${at}, and for that registry alone`
        : `the engine trusts the system's CAs for ${at}, and no other`,
      ["registry_authority", at, ...(own ? (authorities?.flatMap(authorityWords) ?? ["unknown"]) : [])],
    ),
    // The mirror of an engine that knows nothing else stands in daemon.json.
    ...(follows === "mirror"
      ? []
      : [
          step("sources", `images of ${sources.join(", ")} come from ${at} and nowhere else`, [
            "registry_sources",
            at,
            prefix,
            own ? "own" : "system",
            ...sources,
          ]),
        ]),
  ];
}

/** The host checks once more what a CA may vouch for, unless a person has named it. */
function authorityWords({ address, certificates, named = false }: Authority): readonly string[] {
  const at = `${named ? "named," : ""}${address ?? ""}:`;
  return certificates.map((one) => (address === undefined ? one : `${at}${one}`));
}

/** Somebody beside the system's own CAs vouches for the registry. */
export function hasOwnAuthority({ trust }: Pick<RegistrySpec, "trust">): boolean {
  return trust.hosts.length > 0 || trust.file !== undefined;
}

function step(what: string, fact: string, call: readonly [string, ...string[]]): Step {
  return { code: `trust.${what}`, fact, effect: "none", call };
}
