/** A store of backups, as facts. Pure. */
import type { Channel } from "../core/host/blob-step.ts";
import type { Archive } from "../core/host/blob.ts";
import type { BackupStoreSpec } from "../core/site/backups.ts";
import type { Step } from "../core/host/step.ts";
import { certificateStep, type StoreCertificates, trustedStoreStep } from "./certificates.ts";
import { programSteps } from "./program-steps.ts";

export interface StoreStepsSpec {
  readonly store: BackupStoreSpec;
  readonly restic: Archive;
  readonly restServer: Archive;
  /** Where the decrypted passwords lie on the host, by the path of the encrypted file. */
  readonly passwords: ReadonlyMap<string, string>;
  /** Of the stores that get a copy. */
  readonly certificates: StoreCertificates;
  /** The registry that has the bundle; absent: blobs are sent over ssh. */
  readonly channel?: Channel;
}

/** Nothing here stops a container. Server and maintenance come last: they need all the others. */
export function storeSteps(spec: StoreStepsSpec): readonly Step[] {
  const { store, restic, restServer, certificates, channel } = spec;
  const { mount, port, address, copies } = store;
  const logins = store.logins.map(({ host, password }) => [host, passwordFile(spec, password)]);
  const lines = maintenanceList(spec);
  const version = restServer.version;
  return [
    ...programSteps("store.", "restic", restic, channel),
    ...programSteps("store.server-", "rest-server", restServer, channel),
    step("user", "the store has a system user of its own that cannot log in", ["store_user"]),
    step("folder", `backups are stored in ${mount}/restic, which only the store and root can enter`, [
      "store_folder",
      mount,
    ]),
    certificateStep(store),
    ...copies.map(({ host }) => trustedStoreStep("store.copy-certificate.", host, certificates)),
    step("logins", `can log in: ${store.logins.map(({ host }) => host).join(", ") || "nobody"}`, [
      "store_logins",
      ...logins.flat(),
    ]),
    step("unit", `a unit starts the store with ${mount} at boot, as a user without rights`, [
      "store_unit",
      version,
      mount,
      String(port),
    ]),
    step(
      "running",
      `the store takes backups on port ${port}, and neither changes nor removes any for a client`,
      ["store_running", ...[version, mount, String(port), address], ...(logins[0] ?? [])],
    ),
    step("maintenance", `every day backups are checked, ${maintained(store)}`, [
      "store_maintenance",
      mount,
      ...lines,
    ]),
    step("status", "the state of every repository is known", [
      "store_status",
      ...lines.filter((line) => line.startsWith("repository ")),
    ]),
  ];
}

function maintained({ copies, keep }: BackupStoreSpec): string {
  const retained = Object.entries(keep).map(([what, count]) => `${what} ${count}`);
  const hosts = copies.map(({ host }) => host);
  return [
    ...(hosts.length === 0 ? [] : [`copied to ${hosts.join(", ")}`]),
    retained.length === 0 ? "and none is removed" : `and removed but for ${retained.join(", ")}`,
  ].join(", ");
}

/** Lines of maintain.conf; the script on the host describes them. */
function maintenanceList(spec: StoreStepsSpec): readonly string[] {
  const { restic, store } = spec;
  const { keep, repositories, login, copies } = store;
  const retained = Object.entries(keep).filter(([, count]) => count > 0);
  return [
    `restic /opt/sealift/restic/${restic.version}/restic`,
    ...retained.map(([what, count]) => `keep ${what} ${count}`),
    ...repositories.map(({ path, password }) => `repository ${path} ${passwordFile(spec, password)}`),
    ...(login === undefined ? [] : [`login ${login.host} ${passwordFile(spec, login.password)}`]),
    ...copies.map(({ host, address, port }) => `copy ${host} ${address} ${port}`),
  ];
}

/** Every file that a store names is among its secrets. */
function passwordFile({ passwords }: StoreStepsSpec, file: string): string {
  return passwords.get(file) ?? "";
}

function step(what: string, fact: string, call: Step["call"]): Step {
  return { code: `store.${what}`, fact, effect: "none", call };
}
