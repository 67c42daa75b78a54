/** Name, CAs and redirects of the registry on a client, as facts. */
import { endpoint } from "../core/endpoint.ts";
import type { CaBundle, RegistrySpec } from "../core/site/registry.ts";
import type { Step } from "../core/host/step.ts";

export interface TrustSpec {
  readonly registry: Pick<
    RegistrySpec,
    "name" | "port" | "prefix" | "addresses" | "mirroredRegistries" | "follows" | "trust"
  >;
  /** The CAs of the registry; undefined while a host has not created its own, or does not respond. */
  readonly caBundles: readonly CaBundle[] | undefined;
  /** Hosts of the registry that do not respond, by name. Default none. */
  readonly unreachable?: readonly string[];
}

export function trustSteps({
  registry,
  caBundles,
  unreachable: unreachable = [],
}: TrustSpec): readonly Step[] {
  const { name, port, prefix, addresses, mirroredRegistries, follows } = registry;
  const at = endpoint(name, port);
  const own = hasOwnCa(registry);
  const unknown = unreachable.length > 0 ? ["silent", ...unreachable] : ["unknown"];
  return [
    ...(addresses.length === 0
      ? []
      : [step("name", `${name} resolves to ${addresses.join(", ")}`, ["registry_name", name, ...addresses])]),
    step(
      "ca",
      own
        ? `the engine trusts the CA of ${at} for that registry only`
        : `the engine trusts the system's CAs for ${at}, and no others`,
      ["trusted_ca", at, ...(own ? (caBundles?.flatMap(caWords) ?? unknown) : [])],
    ),
    // Engines that support only a mirror have it in daemon.json.
    ...(follows === "mirror"
      ? []
      : [
          step("sources", `images of ${mirroredRegistries.join(", ")} come from ${at} and nowhere else`, [
            "registry_sources",
            at,
            prefix,
            own ? "own" : "system",
            ...mirroredRegistries,
          ]),
        ]),
  ];
}

/** The host checks again what a CA may sign for, unless the site lists it. */
function caWords({ address, certificates, named = false }: CaBundle): readonly string[] {
  const at = `${named ? "named," : ""}${address ?? ""}:`;
  return certificates.map((one) => (address === undefined ? one : `${at}${one}`));
}

/** Whether a CA other than the system's own certifies the registry. */
function hasOwnCa({ trust }: Pick<RegistrySpec, "trust">): boolean {
  return trust.hosts.length > 0 || trust.file !== undefined;
}

function step(what: string, fact: string, call: readonly [string, ...string[]]): Step {
  return { code: `trust.${what}`, fact, effect: "none", call };
}
