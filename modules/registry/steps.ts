/** A registry on one host, and the bundle in it, as facts. */
import type { Archive } from "../core/host/blob.ts";
import type { RegistrySpec, ServedRegistry } from "../core/site/registry.ts";
import type { Step } from "../core/host/step.ts";

export interface RegistryStepsSpec {
  readonly host: string;
  /** The ssh user that sends the bundle. */
  readonly sshUser: string;
  readonly registry: Pick<RegistrySpec, "name" | "port"> & { readonly serves: ServedRegistry };
  readonly archive: Archive;
}

/** A certificate with fewer days left is renewed; it is valid for 365. */
const certificateDays = 30;

/** The step that reports the CA certificate of a registry host to other hosts. */
export const caCode = "registry.ca";

/** The certificates of a registry host, as PEM: ca.sh and certificate.sh. */
export const certificates = [
  { name: "CA of the registry", path: "/etc/sealift/registry/ca.crt" },
  { name: "next CA of the registry", path: "/etc/sealift/registry/next.crt" },
  { name: "certificate of the registry", path: "/etc/sealift/registry/server.crt" },
] as const;

export function registrySteps({ host, sshUser, registry, archive }: RegistryStepsSpec): readonly Step[] {
  const { name, port, serves } = registry;
  const { version, mount, writerPort, writerNetworks = [] } = serves;
  const whom = writerNetworks.length === 0 ? "this host only" : `this host and ${writerNetworks.join(", ")}`;
  const { sha256, bytes } = archive;
  // A release has one program and text files.
  const program = archive.members.find(({ path }) => path === "registry" || path.endsWith("/registry"));
  return [
    step("archive", `the archive of registry ${version} is on the host (sha256 ${sha256.slice(0, 12)})`, [
      "stored_blob",
      sha256,
      String(bytes),
    ]),
    step("program", `registry ${version} is the current version, byte for byte as pinned in the lock`, [
      "registry_program",
      version,
      sha256,
      program?.path ?? "registry",
      program?.sha256 ?? "",
    ]),
    step("user", "the registry has its own system user", ["registry_user"]),
    step("storage", `the registry's files are in ${mount}/storage`, ["registry_storage", mount, sshUser]),
    caStep(host, registry),
    step("certificate", `the certificate is for ${name} and valid for ${certificateDays} more days`, [
      "registry_certificate",
      name,
      serves.address,
      String(certificateDays),
    ]),
    step("credential", "the writer's password was generated on this host", ["registry_credential", name]),
    step("units", "the units of reader and writer match the site", [
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
export function caStep(
  host: string,
  { name, serves }: Pick<RegistrySpec, "name"> & { readonly serves: ServedRegistry },
): Step {
  return {
    code: caCode,
    fact: `a CA on this host can sign for ${name} and ${serves.address} and nothing else`,
    effect: "none",
    call: ["registry_ca", host, name, serves.address, String(certificateDays)],
  };
}

function step(what: string, fact: string, call: readonly [string, ...string[]]): Step {
  return { code: `registry.${what}`, fact, effect: "none", call };
}
