/** The script for a restore, and what it knows of each application, as facts. Pure. */
import { quote } from "../core/quote.ts";
import { isBacked, receiptsBackup, registryBackup, swarmBackup } from "../core/site/backed-apps.ts";
import type { RegistrySpec } from "../core/site/registry.ts";
import type { AppSpec } from "../core/site/site-spec.ts";
import { ownMember, type SwarmSpec } from "../core/site/swarm.ts";
import type { Step } from "../core/host/step.ts";
import { type ClientStepsSpec, shownName } from "./client-steps.ts";

type RestoreStepsSpec = Pick<ClientStepsSpec, "host" | "backup" | "apps" | "restic" | "password"> & {
  /** Folder of all applications on the host. */
  readonly folder: string;
  /** That of the host. */
  readonly registry?: Pick<RegistrySpec, "name" | "port"> | undefined;
  /** That of the host. */
  readonly swarm?: SwarmSpec | undefined;
};

export function restoreSteps({ apps, ...shared }: RestoreStepsSpec): readonly Step[] {
  return [
    {
      code: "backup.restore-script",
      fact: "a script on the host restores backups, with restic and docker alone",
      effect: "none",
      call: ["backup_restore_script"],
    },
    ...apps.filter(isBacked).map((app): Step => ({
      code: `backup.${app.name}.restore`,
      fact: `the script knows where the backups of ${shownName(app)} are, and what belongs to it`,
      effect: "none",
      call: ["backup_restore_config", app.name, ...configLines(app, shared)],
    })),
  ];
}

function configLines(
  app: AppSpec,
  { host, backup, restic, password, folder, registry, swarm }: Omit<RestoreStepsSpec, "apps">,
): readonly string[] {
  const { store } = backup;
  return [
    `host=${host}`,
    ...unitLines(app, folder, registry, swarm),
    `seconds=${app.update.timeout}`,
    `restic=/opt/sealift/restic/${restic.version}/restic`,
    `repository=rest:https://${store.address}:${store.port}/${host}/`,
    `password=${password}`,
    `certificate=/etc/sealift/backup/stores/${store.host}.crt`,
    ...dataLines(app),
  ];
}

/** What stops and starts, and the folder with the current version. */
function unitLines(
  { name }: AppSpec,
  folder: string,
  registry: RestoreStepsSpec["registry"],
  swarm: RestoreStepsSpec["swarm"],
): readonly string[] {
  if (name === registryBackup && registry !== undefined)
    return [
      "folder=/opt/registry",
      `registry=${registry.name}:${registry.port}`,
      "units=sealift-registry-writer.service sealift-registry-reader.service",
    ];
  if (name === swarmBackup && swarm !== undefined)
    return ["folder=/opt/docker", `swarm=${ownMember(swarm).address}`, "units=docker.socket docker.service"];
  // Nothing of the receipts runs.
  return [...(name === receiptsBackup ? ["units=-"] : []), `folder=${folder}/${name}`];
}

/** One line for each folder, dump and check, as the scripts read them; `-` for what the site leaves open. */
export function dataLines({ data = {}, backup, restore }: AppSpec): readonly string[] {
  return [
    ...Object.entries(data).map(([service, { path, owner = "-" }]) => `data ${service} ${path} ${owner}`),
    ...Object.entries(backup?.dump ?? {}).map(([service, dump]) =>
      "engine" in dump
        ? `dump ${service} ${dump.engine} ${dump.user ?? "-"} ${dump.password ?? "-"}`
        : `dump ${service} command - -`,
    ),
    ...Object.entries(backup?.dump ?? {}).flatMap(([service, dump]) =>
      "command" in dump && dump.load !== undefined
        ? [`load ${service} ${dump.load.map(quote).join(" ")}`]
        : [],
    ),
    ...Object.entries(restore?.check ?? {}).map(
      ([service, words]) => `check ${service} ${words.map(quote).join(" ")}`,
    ),
  ];
}
