/** Rules for backups: their stores, and what an application needs so that its data can be backed up and restored. */
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import { shown } from "../../shown.ts";
import type { AppFile } from "../apps.ts";
import { type RetentionSpec, storePort } from "../backups.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { mountOf, mountsOf } from "../mounts.ts";
import { registryPorts } from "../registry.ts";
import type { ProblemBuilder } from "./problem-builder.ts";

export function backupProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const { apps = [], backups, secrets } = file;
  const stores = backups === undefined ? [] : storePlaces(backups);
  return [
    ...(backups !== undefined && secrets === undefined
      ? [
          problemAt(
            ["backups"],
            "E_KEY_MISSING",
            "no secrets: of the site",
            "the version of age and the recovery key of the site: the password of the repositories is encrypted",
            "add secrets: { age: 1.3.1, recoveryKey: <what age-keygen prints> } to the site",
          ),
        ]
      : []),
    ...retentionProblems(backups?.store.keep, problemAt),
    ...stores.flatMap((store) => storeProblems(store, stores, file, hosts, problemAt)),
    ...passwordProblems(file, problemAt),
    ...registryProblems(file, hosts, problemAt),
    ...receiptProblems(file, hosts, problemAt),
    ...swarmBackupProblems(file, problemAt),
    ...apps.flatMap((app, at) => appDataProblems(app, ["apps", at], file, hosts, problemAt)),
    ...hosts.flatMap((host) => sharedFolderProblems(host, apps, problemAt)),
  ];
}

/**
 * Whoever is root on a host may add as many backups as he likes, with times of up to five days (store-maintenance.sh believes no others): a night's
 * backups must not take the place of all that were there before.
 */
const longEnough: RetentionSpec = { daily: 7, weekly: 3, monthly: 3, yearly: 3 };

function retentionProblems(keep: RetentionSpec = {}, problemAt: ProblemBuilder): Problem[] {
  const counts = Object.entries(keep).filter(([, count]) => count > 0);
  const least = Object.entries(longEnough);
  // Without any, nothing is removed.
  if (counts.length === 0) return [];
  if (counts.some(([what, count]) => least.some(([one, enough]) => one === what && count >= enough)))
    return [];
  return [
    problemAt(
      ["backups", "store", "keep"],
      "E_VALUE",
      `${counts.map(([what, count]) => `${what}: ${count}`).join(", ")}: a host that is taken over could replace all of its backups in one night`,
      `at least one of ${least.map(([what, enough]) => `${what}: ${enough}`).join(", ")}; last does not count, because it counts backups and not days`,
      "add daily: 7, or more of the others",
    ),
  ];
}

interface StorePlace {
  readonly path: Path;
  readonly host: string;
  readonly mount: string;
  readonly port: number;
}

function storePlaces({ store, copies = [] }: NonNullable<SiteFile["backups"]>): readonly StorePlace[] {
  const place = (path: Path, { host, mount, port = storePort }: typeof store): StorePlace => ({
    ...{ path, host, mount, port },
  });
  return [
    place(["backups", "store"], store),
    ...copies.map((copy, at) => place(["backups", "copies", at], copy)),
  ];
}

function storeProblems(
  { path, host: name, mount, port }: StorePlace,
  stores: readonly StorePlace[],
  { registry }: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const host = hosts.find((one) => one.name === name);
  if (host === undefined) {
    const names = hosts.map((one) => one.name).join(", ");
    return [
      problemAt(
        [...path, "host"],
        "E_VALUE",
        shown(name),
        `a host of this site: ${names}`,
        "correct the name, or add the host",
      ),
    ];
  }
  const mounts = mountsOf(host.volumes).map((one) => one.mount);
  const { port: reader = registryPorts.port, writerPort = registryPorts.writerPort } = registry ?? {};
  return [
    ...(stores.findIndex((one) => one.host === name) < stores.findIndex((one) => one.path === path)
      ? [
          problemAt(
            [...path, "host"],
            "E_DUPLICATE",
            `${name} twice`,
            "each store and each copy on a host of its own",
            "name another host: a copy on the same host is lost together with the store",
          ),
        ]
      : []),
    ...(mounts.includes(mount)
      ? []
      : [
          problemAt(
            [...path, "mount"],
            "E_VALUE",
            shown(mount),
            `a mount of ${name}: ${mounts.join(", ") || "none"}`,
            "add a logical volume for the backups, or an existing mount",
          ),
        ]),
    ...(host.registry?.serves !== undefined && [reader, writerPort].includes(port)
      ? [
          problemAt(
            [...path, "port"],
            "E_CONFLICT",
            `${port}, which the registry of ${name} uses`,
            "a port of its own",
            "choose another port",
          ),
        ]
      : []),
  ];
}

function passwordProblems({ backups }: SiteFile, problemAt: ProblemBuilder): Problem[] {
  if (backups === undefined || !/[{}]/.test(backups.password.replaceAll("{host}", ""))) return [];
  return [
    problemAt(
      ["backups", "password"],
      "E_VALUE",
      shown(backups.password),
      "a path in which only {host} is replaced",
      "write {host} for the name of the host, and no other braces",
    ),
  ];
}

function registryProblems(
  { backups, registry }: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const path = ["backups", "registry"];
  if (backups?.registry === undefined) return [];
  const { hosts: served = [], mount = "" } = registry ?? {};
  if (served.length === 0)
    return [
      problemAt(
        path,
        "E_VALUE",
        registry === undefined ? "no registry: of the site" : "a registry that others run",
        "a registry on hosts of this site",
        "remove registry from backups: who runs a registry backs it up",
      ),
    ];
  const { snapshot } = backups.registry;
  if (snapshot === undefined) return [];
  const own = hosts.filter(({ name }) => served.some((one) => one.name === name));
  const data = { content: { path: `${mount}/storage` } };
  return own.flatMap((host) => snapshotProblems(snapshot, data, [...path, "snapshot"], host, problemAt));
}

function receiptProblems(
  { backups, receipt }: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  if (backups?.receipts === undefined) return [];
  const { host } = backups.receipts;
  return [
    ...(receipt === undefined
      ? [
          problemAt(
            ["backups", "receipts"],
            "E_KEY_MISSING",
            "a backup of receipts, and no receipt: of the site",
            "receipts that can be backed up",
            "add receipt: { directory, key } to the site, or remove receipts from backups",
          ),
        ]
      : []),
    ...(hosts.some(({ name }) => name === host)
      ? []
      : [
          problemAt(
            ["backups", "receipts", "host"],
            "E_VALUE",
            shown(host),
            `a host of this site: ${hosts.map(({ name }) => name).join(", ")}`,
            "correct the name, or add the host",
          ),
        ]),
  ];
}

function swarmBackupProblems({ backups, swarm }: SiteFile, problemAt: ProblemBuilder): Problem[] {
  if (backups?.swarm === undefined || swarm !== undefined) return [];
  return [
    problemAt(
      ["backups", "swarm"],
      "E_VALUE",
      "no swarm: of the site",
      "a swarm of hosts of this site",
      "remove swarm from backups, or add swarm: to the site",
    ),
  ];
}

/** What a single application lacks. */
function appDataProblems(
  app: AppFile,
  path: Path,
  { backups }: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const { name, data = {}, backup, restore } = app;
  const own = hosts.filter((host) => host.apps.some((one) => one.name === name));
  return [
    ...own.flatMap((host) => pathProblems(app, path, host, problemAt)),
    ...(backup === undefined ? [] : scheduleProblems(app, path, backups, own, problemAt)),
    ...(restore !== undefined && backup === undefined
      ? [
          problemAt(
            [...path, "restore"],
            "E_KEY_MISSING",
            "restore without backup",
            "backup: of the application",
            "add backup: { at: … }, or remove restore",
          ),
        ]
      : []),
    ...(restore === undefined || backups === undefined
      ? []
      : rehearsalProblems(
          restore,
          [...path, "restore"],
          storePlaces(backups),
          { own, hosts },
          data,
          problemAt,
        )),
  ];
}

function pathProblems(
  { data = {}, backup }: AppFile,
  path: Path,
  host: MergedHost,
  problemAt: ProblemBuilder,
): Problem[] {
  const { name, volumes } = host;
  const mounts = mountsOf(volumes);
  return Object.entries(data).flatMap(([service, { path: folder }]) => {
    const at = [...path, "data", service, "path"];
    const mount = mountOf(folder, mounts)?.mount;
    if (mount === undefined || mount === folder)
      return [
        problemAt(
          at,
          "E_VALUE",
          mount === undefined ? `${folder}: on no mount of ${name}` : `${folder}: the top of a mount`,
          `a folder below a mount of ${name}: ${mounts.map((one) => one.mount).join(", ") || "none"}`,
          "choose a folder below one of the mounts",
        ),
      ];
    const below = mounts.find((one) => one.mount.startsWith(`${folder}/`))?.mount;
    if (backup !== undefined && below !== undefined)
      return [
        problemAt(
          at,
          "E_CONFLICT",
          `${folder}: ${below} of ${name} is a mount of its own in it`,
          "a folder without mounts below it: what is on them would be missing from the backups",
          `choose a folder beside ${below}, and keep all data of the service in it`,
        ),
      ];
    const used = usedFolders(host).find(({ path: one }) => `${folder}/`.startsWith(`${one}/`));
    if (used === undefined) return [];
    return [
      problemAt(
        at,
        "E_CONFLICT",
        `${folder}: in ${used.path}, ${used.what} of ${name}`,
        "a folder that nothing else uses",
        `choose a folder outside of ${used.path}`,
      ),
    ];
  });
}

/** Folders that others than applications write to. */
function usedFolders({
  daemon,
  registry,
  store,
  volumes: { journal },
}: MergedHost): readonly { readonly what: string; readonly path: string }[] {
  const root = daemon["data-root"];
  return [
    { what: "the releases of applications", path: "/svc/apps" },
    ...(root === undefined ? [] : [{ what: "the data-root", path: root }]),
    ...(registry?.serves === undefined ? [] : [{ what: "the registry", path: registry.serves.mount }]),
    ...(store === undefined ? [] : [{ what: "the store of backups", path: `${store.mount}/restic` }]),
    ...(journal === undefined ? [] : [{ what: "the journal", path: journal.mount }]),
  ];
}

function scheduleProblems(
  { data = {}, backup, secrets = {} }: AppFile,
  path: Path,
  backups: SiteFile["backups"],
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const at = [...path, "backup"];
  const { snapshot, stop = false, dump = {} } = backup ?? {};
  const services = Object.keys(data);
  const uncovered =
    snapshot === undefined && !stop ? services.filter((service) => dump[service] === undefined) : [];
  return [
    ...(backups === undefined
      ? [
          problemAt(
            at,
            "E_KEY_MISSING",
            "a backup, and no backups: of the site",
            "the store for it",
            "add backups: { restic, restServer, password, store } to the site",
          ),
        ]
      : []),
    ...(services.length === 0
      ? [
          problemAt(
            at,
            "E_KEY_MISSING",
            "a backup without data",
            "data: of the application, where the state of its services lies",
            "add data: { <service>: { path: … } }",
          ),
        ]
      : []),
    ...(snapshot !== undefined && stop
      ? [
          problemAt(
            [...at, "stop"],
            "E_CONFLICT",
            "stop beside snapshot",
            "one of them",
            "remove stop: nothing has to stop for a snapshot",
          ),
        ]
      : []),
    ...(uncovered.length > 0
      ? [
          problemAt(
            at,
            "E_KEY_MISSING",
            `nothing that reads the data of ${uncovered.join(", ")} consistently`,
            "snapshot, stop: true, or a dump of each service",
            "add one of them: files that are copied while a service writes them are of no use",
          ),
        ]
      : []),
    ...Object.entries(dump).flatMap(([service, spec]) => {
      const where = [...at, "dump", service];
      if (!services.includes(service))
        return [
          problemAt(
            where,
            "E_VALUE",
            `${service} has no data:`,
            `a service with data: ${services.join(", ") || "none"}`,
            "correct the name, or add its folder to data:",
          ),
        ];
      const ways = ["engine", "command"].filter((key) => key in spec);
      const others = "command" in spec ? ["user", "password"] : ["load"];
      if (ways.length !== 1 || others.some((key) => key in spec))
        return [
          problemAt(
            where,
            "E_CONFLICT",
            Object.keys(spec).join(", ") || "nothing",
            "either engine, perhaps with user and password, or command, perhaps with load",
            "keep one of them",
          ),
        ];
      // Without files in the backup, the dump is all that a restore has.
      if ("command" in spec && spec.load === undefined && snapshot === undefined && !stop)
        return [
          problemAt(
            [...where, "load"],
            "E_KEY_MISSING",
            "a dump by a command, and nothing that loads it",
            "load: beside command, because the backup has no files",
            "add load: [<program>, <arguments>], which reads the dump from standard input; or snapshot, or stop: true",
          ),
        ];
      if (!("password" in spec) || secrets[spec.password] !== undefined) return [];
      return [
        problemAt(
          [...where, "password"],
          "E_VALUE",
          shown(spec.password),
          `a secret of the application: ${Object.keys(secrets).join(", ") || "none"}`,
          "correct the name, or add the secret under secrets:",
        ),
      ];
    }),
    ...(snapshot === undefined
      ? []
      : hosts.flatMap((host) => snapshotProblems(snapshot, data, [...at, "snapshot"], host, problemAt))),
  ];
}

function snapshotProblems(
  snapshot: string,
  data: NonNullable<AppFile["data"]>,
  at: Path,
  { name, volumes }: MergedHost,
  problemAt: ProblemBuilder,
): Problem[] {
  const { logicalVolumes = [] } = volumes;
  const volume = logicalVolumes.find((one) => one.name === snapshot);
  if (volume === undefined)
    return [
      problemAt(
        at,
        "E_VALUE",
        `${shown(snapshot)}: no logical volume of ${name}`,
        `one of ${logicalVolumes.map((one) => one.name).join(", ") || "none"}`,
        "name the volume with the data, or use stop: true where storage is managed by others",
      ),
    ];
  const mounts = mountsOf(volumes);
  const elsewhere = Object.entries(data).filter(
    ([, { path }]) => mountOf(path, mounts)?.mount !== volume.mount,
  );
  return elsewhere.map(([service, { path }]) =>
    problemAt(
      at,
      "E_CONFLICT",
      `the data of ${service}, ${path}, is not on ${snapshot} (${volume.mount}) of ${name}`,
      "all data of the application on the volume of the snapshot: it is one instant of one volume",
      "move the data to the volume, or name the volume that it is on",
    ),
  );
}

function rehearsalProblems(
  { on, check = {} }: NonNullable<AppFile["restore"]>,
  path: Path,
  stores: readonly StorePlace[],
  { own, hosts }: { readonly own: readonly MergedHost[]; readonly hosts: readonly MergedHost[] },
  data: NonNullable<AppFile["data"]>,
  problemAt: ProblemBuilder,
): Problem[] {
  const names = stores.map(({ host }) => host);
  const services = Object.keys(data);
  return [
    ...(names.includes(on)
      ? []
      : [
          problemAt(
            [...path, "on"],
            "E_VALUE",
            shown(on),
            `a host that stores backups: ${names.join(", ")}`,
            "name one of them: it has the repository and the password",
          ),
        ]),
    ...(own.some(({ name }) => name === on)
      ? [
          problemAt(
            [...path, "on"],
            "E_CONFLICT",
            `${on}, which runs the application`,
            "another host",
            "rehearse on another host: a restore has to work when this one is lost",
          ),
        ]
      : []),
    ...(hosts.find(({ name }) => name === on)?.engine.compose === undefined && names.includes(on)
      ? [
          problemAt(
            [...path, "on"],
            "E_CONFLICT",
            `${on}, which has no compose plugin`,
            "engine.compose for every host on which a restore is rehearsed",
            "set engine.compose to a version of the bundle",
          ),
        ]
      : []),
    ...Object.keys(check)
      .filter((service) => !services.includes(service))
      .map((service) =>
        problemAt(
          [...path, "check", service],
          "E_VALUE",
          `${service} has no data:`,
          `a service with data: ${services.join(", ") || "none"}`,
          "correct the name, or add its folder to data:",
        ),
      ),
  ];
}

/** Two services would write into one folder, or restoring one would move the data of the other aside. */
function sharedFolderProblems(
  host: MergedHost,
  apps: readonly AppFile[],
  problemAt: ProblemBuilder,
): Problem[] {
  const folders = host.apps.flatMap((app) =>
    Object.entries(app.data ?? {}).map(([service, { path }]) => ({ app: app.name, service, path })),
  );
  return folders.flatMap((one, at) => {
    const other = folders
      .slice(0, at)
      .find(({ path }) => `${one.path}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${one.path}/`));
    if (other === undefined) return [];
    const index = apps.findLastIndex(({ name }) => name === one.app);
    return [
      problemAt(
        ["apps", index, "data", one.service, "path"],
        "E_CONFLICT",
        `${one.path}, and ${other.path} of ${other.app} ${other.service} on ${host.name}`,
        "a folder for each service alone, none inside another",
        "choose another folder",
      ),
    ];
  });
}
