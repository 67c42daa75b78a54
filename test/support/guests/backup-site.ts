/** A site of two hosts on a segment: one runs the shop of the examples and is backed up, the other stores its backups. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { cachePath, checkout } from "../../lab/cache.ts";
import { removeGuest, startGuest, type Guest } from "../../lab/guest.ts";
import { joinSegment, segmentCard } from "../../lab/guest-segment.ts";
import { labSite, labUser, writeStack, type LabSite } from "../../lab/pulumi/stack.ts";
import { useTools } from "../../lab/tools/ensure-tools.ts";
import { shopPassword } from "./shop-site.ts";
import { siteMachine, startSite, type SiteUnderTest } from "./site-under-test.ts";

const run = promisify(execFile);

export interface BackupSite {
  readonly site: SiteUnderTest;
  readonly store: Guest;
  /** Writes the site with this version of the shop; `change` may alter its entry. */
  readonly write: (
    version: string,
    change?: (app: Record<string, unknown>, text: LabSite) => void,
  ) => Promise<void>;
  /** As root on the host of the shop. */
  readonly root: (command: string) => Promise<string>;
  /** As root on the store. */
  readonly onStore: (command: string) => Promise<string>;
  /** What the shop answers, once it does. */
  readonly visit: (path?: string) => Promise<string>;
  /** The machine of the shop is gone for good; a bare one of the same name is in its place. */
  readonly replaceHost: () => Promise<void>;
  /** A file of the site, decrypted by the recovery key alone. */
  readonly recovered: (file: string) => Promise<string>;
  readonly end: () => Promise<void>;
}

const addresses = { shop: "10.9.0.1", store: "10.9.0.2" } as const;

/** Folder of the shop's database on its host. */
export const shopData = "/data/shop-db";

export async function backupSite(name: string): Promise<BackupSite> {
  await useTools();
  const site = await startSite(name, siteMachine, "apps");
  const storeName = `${name}-store`;
  await removeGuest(storeName);
  const store = await startGuest({ name: storeName, machine: siteMachine });
  const joinBoth = async (): Promise<void> => {
    await joinSegment(
      { guest: site.guest, address: `${addresses.shop}/24` },
      { guest: store, address: `${addresses.store}/24` },
    );
  };
  await joinBoth();
  await mkdir(cachePath("test"), { recursive: true });
  const folder = await mkdtemp(cachePath("test", `${name}-`));
  const { stderr } = await run("age-keygen", ["-o", join(folder, "recovery.key")]);
  const recoveryKey = /age1\S+/.exec(stderr)?.[0] ?? "";
  await writeFile(join(folder, "recipients"), `${site.guest.hostKey}\n${store.hostKey}\n${recoveryKey}\n`);
  /** Both hosts need both: the store for checks and rehearsals. */
  const encrypt = async (file: string, content: string): Promise<void> => {
    await writeFile(join(folder, "plain"), content);
    await run("age", ["-R", join(folder, "recipients"), "-o", join(folder, file), join(folder, "plain")]);
    await rm(join(folder, "plain"));
  };
  await encrypt("db.age", shopPassword);
  await encrypt(`restic-${name}.age`, "a password of a repository, 4c1e");
  const pathOf = (file: string): string => relative(checkout, join(folder, file));
  const rootOn = async (guest: Guest, command: string): Promise<string> => {
    const { stdout, stderr: error, exitCode } = await guest.exec("sudo -n sh", { input: command });
    assert.equal(exitCode, 0, `${command}: ${error}`);
    return stdout;
  };
  return {
    ...{ site, store },
    write: async (version, change = () => undefined) => {
      const { bundle } = site.lab;
      const text = await labSite([site.guest, store], bundle);
      text.daemon["features"] = { "containerd-snapshotter": true };
      Reflect.deleteProperty(text.daemon, "storage-driver");
      Object.assign(text.engine, { compose: bundle.plugins.compose });
      // The store is reached over the segment, as its clients reach it.
      const { address, port, login: sshUser, hostKey } = site.guest;
      Object.assign(text.hosts[1] ?? {}, {
        ...{ address: addresses.store, port: 22 },
        jumpHost: { address, port, sshUser, hostKey },
      });
      const app: Record<string, unknown> = {
        ...{ name: "shop", version, hosts: [name], values: { SHOP_GREETING: "Good day" } },
        secrets: { db_password: { file: pathOf("db.age"), owner: "999:999", mode: "0444" } },
        update: { monitor: "10s", timeout: "2m" },
        data: { database: { path: shopData, owner: "999:999" } },
        backup: { at: "02:30", stop: true, dump: { database: { engine: "postgresql", user: "shop" } } },
        restore: { rehearse: "daily", on: storeName },
      };
      const backups = {
        ...{
          restic: bundle.restic,
          restServer: bundle["rest-server"],
          password: pathOf("restic-{host}.age"),
        },
        store: { host: storeName, mount: "/data" },
      };
      Object.assign(text, { secrets: { age: bundle.age, recoveryKey }, backups, apps: [app] });
      change(app, text);
      await writeStack(`lab-${name}`, text);
    },
    root: (command) => rootOn(site.guest, command),
    onStore: (command) => rootOn(store, command),
    visit: (path = "") =>
      site.onHost(
        `curl -fsS --retry 30 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/${path}`,
        labUser,
      ),
    replaceHost: async () => {
      await site.guest.stop();
      await removeGuest(name);
      // Its end of the cable that is gone.
      await rootOn(store, `ip link delete ${segmentCard} 2>/dev/null || true`);
      site.guest = await startGuest({ name, machine: siteMachine });
      await joinBoth();
    },
    recovered: async (file) => {
      const { stdout } = await run("age", [
        "--decrypt",
        ...["-i", join(folder, "recovery.key"), join(folder, file)],
      ]);
      return stdout;
    },
    end: async () => {
      await site.end();
      await store.stop();
      await removeGuest(storeName);
      await rm(folder, { recursive: true });
    },
  };
}
