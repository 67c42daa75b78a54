/** A registry on one host, and the bundle in it, as facts. */
import type { Archive } from "../core/blob.ts";
import type { RegistrySpec, ServedRegistry } from "../core/registry.ts";
import type { Step } from "../core/step.ts";

export interface RegistryStepsSpec {
  readonly host: string;
  /** Who sends the bundle's bytes over ssh. */
  readonly login: string;
  readonly registry: Pick<RegistrySpec, "name" | "port"> & { readonly serves: ServedRegistry };
  readonly archive: Archive;
}

/** A certificate with fewer days than this is made anew; it is good for 365. */
const certificateDays = 30;

/** What the CA of a registry host vouches for; its certificate is what the step tells to other hosts. */
export const authorityCode = "registry.ca";

/** What vouches for a registry on its host, as PEM: ca.sh and certificate.sh. */
export const certificates = [
  { name: "CA of the registry", path: "/etc/sealift/registry/ca.crt" },
  { name: "next CA of the registry", path: "/etc/sealift/registry/next.crt" },
  { name: "certificate of the registry", path: "/etc/sealift/registry/server.crt" },
] as const;

export function registrySteps({ host, login, registry, archive }: RegistryStepsSpec): readonly Step[] {
  const { name, port, serves } = registry;
  const { version, mount, writerPort, writerNetworks = [] } = serves;
  const whom = writerNetworks.length === 0 ? "this host alone" : `this host and ${writerNetworks.join(", ")}`;
  const { sha256, bytes } = archive;
  // Its release has the one program beside texts.
  const program = archive.members.find(({ path }) => path === "registry" || path.endsWith("/registry"));
  return [
    step("archive", `the archive of registry ${version} is on the host (sha256 ${sha256.slice(0, 12)})`, [
      "engine_blob",
      sha256,
      String(bytes),
    ]),
    step("program", `registry ${version} is the one that runs, byte for byte as the lock says`, [
      "registry_program",
      version,
      sha256,
      program?.path ?? "registry",
      program?.sha256 ?? "",
    ]),
    step("user", "the registry has a user of its own", ["registry_user"]),
    step("storage", `the registry's files lie in ${mount}/storage`, ["registry_storage", mount, login]),
    authorityStep(host, registry),
    step("certificate", `the certificate is for ${name} and valid for ${certificateDays} more days`, [
      "registry_certificate",
      name,
      serves.address,
      String(certificateDays),
    ]),
    step("credential", "the writer's password was made here", ["registry_credential", name]),
    step("units", "reader and writer are set up as the site says", [
      "registry_units",
      mount,
      String(port),
      String(writerPort),
      ...writerNetworks,
    ]),
    step(
      "running",
      `the reader answers on port ${port}, the writer on port ${writerPort} for ${whom}, with a login`,
      ["registry_running", version, name, String(port), String(writerPort), ...writerNetworks],
    ),
  ];
}

/** The one step that other hosts wait for. */
export function authorityStep(
  host: string,
  { name, serves }: Pick<RegistrySpec, "name"> & { readonly serves: ServedRegistry },
): Step {
  return {
    code: authorityCode,
    fact: `a CA on this host vouches for ${name} and ${serves.address} and nothing else`,
    effect: "none",
    call: ["registry_ca", host, name, serves.address, String(certificateDays)],
  };
}

function step(what: string, fact: string, call: readonly [string, ...string[]]): Step {
  return { code: `registry.${what}`, fact, effect: "none", call };
}
