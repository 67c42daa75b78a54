/** The backups of a site: as they are written, and as one host sees them. Pure. */

/** `backups` of the site file. */
export interface BackupsFile {
  readonly restic: string;
  readonly restServer: string;
  readonly password: string;
  readonly store: StoreFile & { readonly keep?: RetentionSpec };
  readonly copies?: readonly StoreFile[];
  readonly registry?: RegistryBackupSpec;
  readonly receipts?: DailyBackupSpec & { readonly host: string };
  readonly swarm?: DailyBackupSpec;
}

/** When the receipts of runs, or the managers of a swarm, are backed up. */
export interface DailyBackupSpec {
  /** Time of day of the host, `04:00`. */
  readonly at: string;
}

/** When and how the content of a registry is backed up. */
export interface RegistryBackupSpec {
  /** Time of day of the host, `02:30`. */
  readonly at: string;
  /** Logical volume of the registry, of which a snapshot is taken. Absent: its files are read until they do not change meanwhile. */
  readonly snapshot?: string;
}

interface StoreFile {
  readonly host: string;
  readonly mount: string;
  readonly port?: number;
}

/** How many backups of an application are retained, in the words of restic-forget(1). Default of each: 0. */
export interface RetentionSpec {
  readonly last?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly yearly?: number;
}

/** Where a host reaches a store. */
export interface StoreAddress {
  /** Name of its host in the site. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

/** A host whose applications, whose registry or whose swarm are backed up. */
export interface BackupClientSpec {
  /** Exact version of the bundle. */
  readonly restic: string;
  /** Path of the encrypted file with the password of its repository, relative to the checkout. */
  readonly password: string;
  readonly store: StoreAddress;
  /** Absent: it runs no registry, or that is not backed up. */
  readonly registry?: RegistryBackupSpec;
  /** Absent: the receipts of the site are backed up on another host, or on none. */
  readonly receipts?: DailyBackupSpec;
  /** Absent: it manages no swarm, or that is not backed up. */
  readonly swarm?: DailyBackupSpec;
}

/** A host that stores backups. */
export interface BackupStoreSpec {
  /** Exact versions of the bundle. */
  readonly restic: string;
  readonly restServer: string;
  /** Mount point of the volume for the repositories. */
  readonly mount: string;
  readonly address: string;
  readonly port: number;
  readonly keep: RetentionSpec;
  /** Hosts that write here: those that are backed up, or on a host of `copies` the store alone. */
  readonly logins: readonly StoreLogin[];
  /** Every repository here, and the file with its password. */
  readonly repositories: readonly StoreRepository[];
  /** Stores that get a copy of every repository. */
  readonly copies: readonly StoreAddress[];
  /** Its own login at the copies, if there are any. */
  readonly login?: StoreLogin;
}

export interface StoreLogin {
  /** Name of the host that logs in. */
  readonly host: string;
  /** Path of the encrypted file from which its password is derived, relative to the checkout. */
  readonly password: string;
}

export interface StoreRepository {
  /** Below the folder of repositories: `node-a`; on a host of `copies`, below the name of the store: `store-a/node-a`. */
  readonly path: string;
  /** Path of the encrypted file with its password, relative to the checkout. */
  readonly password: string;
}

/** The default of stacks/site.schema.json; a test keeps them in step. */
export const storePort = 8000;

/** The retention of a site that states none. */
const defaultRetention: RetentionSpec = { daily: 7, weekly: 5, monthly: 12 };

/** What one host of a site does about backups. */
export interface HostBackups {
  readonly backup?: BackupClientSpec;
  readonly store?: BackupStoreSpec;
}

/** A host of the site, and what of it is backed up. */
export interface BackedHost {
  readonly name: string;
  readonly address: string;
  /** Its registry, its swarm, or an application. */
  readonly backed: boolean;
  /** Its registry. @default false */
  readonly registry?: boolean;
  /** The swarm that it manages. @default false */
  readonly swarm?: boolean;
}

/** @param hosts of the site in their order. */
export function backupsOf(
  file: BackupsFile | undefined,
  hosts: readonly BackedHost[],
  host: string,
): HostBackups {
  if (file === undefined) return {};
  const { restic, restServer, store, copies = [] } = file;
  const password = (name: string): string => file.password.replaceAll("{host}", name);
  const addressOf = ({ host: name, port = storePort }: StoreFile): StoreAddress => ({
    ...{ host: name, port },
    address: hosts.find((one) => one.name === name)?.address ?? "",
  });
  const clients = hosts
    .filter(({ name, backed }) => backed || name === file.receipts?.host)
    .map(({ name }) => name);
  const backed = hosts.find(({ name }) => name === host);
  const registry = backed?.registry === true ? file.registry : undefined;
  const swarm = backed?.swarm === true ? file.swarm : undefined;
  const own = [store, ...copies].find((one) => one.host === host);
  const isFirst = own === store;
  const logins = isFirst ? clients : [store.host];
  return {
    ...(clients.includes(host)
      ? {
          backup: {
            ...{ restic, password: password(host), store: addressOf(store) },
            ...(registry === undefined ? {} : { registry }),
            ...(swarm === undefined ? {} : { swarm }),
            ...(file.receipts?.host === host ? { receipts: { at: file.receipts.at } } : {}),
          },
        }
      : {}),
    ...(own === undefined
      ? {}
      : {
          store: {
            ...{ restic, restServer, mount: own.mount, keep: store.keep ?? defaultRetention },
            ...{ address: addressOf(own).address, port: addressOf(own).port },
            logins: logins.map((name) => ({ host: name, password: password(name) })),
            repositories: clients.map((name) => ({
              path: repositoryOn(file, host, name),
              password: password(name),
            })),
            copies: isFirst ? copies.map(addressOf) : [],
            ...(isFirst && copies.length > 0 ? { login: { host, password: password(host) } } : {}),
          },
        }),
  };
}

/** @returns the path of a host's repository below the folder of repositories of a store. */
export function repositoryOn({ store }: BackupsFile, storeHost: string, client: string): string {
  return storeHost === store.host ? client : `${store.host}/${client}`;
}

/** Name under which a host has the password of a repository among its secrets: equal files have one name. */
export function passwordName(file: string): string {
  const name = file.replace(/^.*\//, "").replace(/\.age$/, "");
  return name.replaceAll(/[^A-Za-z0-9_.-]/g, "-");
}
