/**
 * An application of the bundle on a host: from a bare machine to a running shop, drift and its repair, an update and the way back, releases
 * that are bad, a volume that must not be replaced, and a boot without an operator. With both lines of Compose.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { before, describe, test } from "node:test";
import { promisify } from "node:util";
import { cachePath, checkout } from "../lab/cache.ts";
import { restartGuest } from "../lab/guest.ts";
import { labUser, type LabSite } from "../lab/pulumi/stack.ts";
import { useTools } from "../lab/tools/ensure-tools.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const run = promisify(execFile);
const password = "not-to-be-guessed-7f3a";
const name = "apps";

describe("an application of a site", () => {
  let site: SiteUnderTest;
  let secret: string;
  let recoveryKey: string;
  const undo = undoAfter();
  before(async () => {
    await useTools();
    site = await startSite(name, siteMachine, "apps");
    undo(() => site.end());
    const folder = cachePath("test", "apps-secrets");
    await mkdir(folder, { recursive: true });
    undo(() => rm(folder, { recursive: true }));
    const { stderr } = await run("age-keygen", ["-o", join(folder, "recovery.key")]);
    recoveryKey = /age1\S+/.exec(stderr)?.[0] ?? "";
    const recipients = join(folder, "recipients");
    await writeFile(recipients, `${site.guest.hostKey}\n${recoveryKey}\n`);
    const plain = join(folder, "plain");
    await writeFile(plain, password);
    secret = join(folder, "db.age");
    await run("age", ["-R", recipients, "-o", secret, plain]);
    await rm(plain);
  });

  const write = (version: string, change: (text: LabSite) => void = () => undefined): Promise<void> =>
    site.write((text) => {
      text.daemon["features"] = { "containerd-snapshotter": true };
      Reflect.deleteProperty(text.daemon, "storage-driver");
      Object.assign(text.engine, { compose: site.lab.bundle.plugins.compose });
      Object.assign(text, {
        secrets: { age: site.lab.bundle.age, recoveryKey },
        apps: [
          {
            ...{ name: "shop", version, values: { SHOP_GREETING: "Good day" } },
            secrets: { db_password: { file: relative(checkout, secret), owner: "999:999", mode: "0444" } },
            update: { monitor: "10s", timeout: "2m" },
          },
        ],
      });
      change(text);
    });
  const docker = (command: string): Promise<string> => site.onHost(`docker ${command}`, labUser);
  const root = (command: string): Promise<string> => site.onHost(`sudo -n sh -c '${command}'`);
  const up = async (...more: string[]): Promise<string> => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", ...more);
    assert.equal(exitCode, 0, output);
    return output;
  };
  const fails = async (): Promise<string> => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(exitCode, 0, output);
    return output;
  };
  const preview = async (): Promise<string> => {
    const { exitCode, output } = await site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    return output;
  };
  const visit = (path = ""): Promise<string> =>
    site.onHost(`curl -fsS --retry 20 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/${path}`);
  /** Name, and when it was created, of every container of the shop. */
  const containers = async (): Promise<ReadonlyMap<string, string>> =>
    new Map(
      (await docker("ps --all --format '{{.Names}}|{{.ID}}' --filter label=com.docker.compose.project=shop"))
        .trim()
        .split("\n")
        .map((line) => line.split("|") as [string, string]),
    );
  const replaced = (old: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly string[] =>
    [...now].flatMap(([one, id]) => (old.get(one) === id ? [] : [one])).toSorted();

  test("one run, and the shop counts in its database; the secret is in no output, plan, state or process list", async () => {
    await write("1.0.0");
    const output = await up();
    assert.match(await visit("version"), /^1\.0\.0/);
    assert.match(await visit(), /Good day/);
    assert.ok(!output.includes(password));
    const { output: state } = await site.pulumi("stack", "export");
    assert.ok(!state.includes(password));
    assert.ok(!(await root("ps axww; cat /var/lib/sealift/journal")).includes(password));
  });

  test("a second run changes nothing, and neither does a person who types docker compose", async () => {
    await up("--expect-no-changes");
    const old = await containers();
    await root(
      "cd /svc/apps/shop/current && docker compose -p shop --project-directory project --env-file values.env -f project/compose.yaml -f sealift.override.yaml up -d --pull never",
    );
    assert.deepEqual(replaced(old, await containers()), []);
    await up("--expect-no-changes");
  });

  test("removed containers, an edited file and a container of another service are drift by name, and repaired", async () => {
    await docker("rm --force shop-web-1");
    await root("echo edited >>/svc/apps/shop/current/project/shop.conf");
    await docker(
      "run --detach --name shop-old-1 --label com.docker.compose.project=shop --label com.docker.compose.service=old --label com.docker.compose.config-hash=0000 --label com.docker.compose.oneoff=False --network none docker.io/library/redis:8.0",
    );
    const found = await preview();
    assert.match(found, /apps\.shop\.service\.web: found: absent; .*impact: none/);
    assert.match(found, /apps\.shop\.release: found: .*shop\.conf is altered or absent; /);
    assert.match(
      found,
      /apps\.shop\.rest: found: containers of services that the release does not have: shop-old-1; /,
    );
    assert.doesNotMatch(found, /apps\.shop\.service\.database: found/);
    const old = await containers();
    await up();
    const now = await containers();
    assert.deepEqual(replaced(old, now), ["shop-web-1"]);
    assert.ok(!now.has("shop-old-1"));
    await up("--expect-no-changes");
  });

  test("an update replaces the services that it changes, keeps the data, and the preview says so before", async () => {
    const counted = await visit();
    await write("1.1.0");
    const found = await preview();
    assert.match(
      found,
      /apps\.shop\.service\.web: found: shop-web-1 runs another configuration; .*impact: containers stop/,
    );
    assert.doesNotMatch(found, /apps\.shop\.service\.database: found/);
    const old = await containers();
    await up();
    assert.deepEqual(replaced(old, await containers()), ["shop-web-1", "shop-worker-1"]);
    assert.match(await visit("version"), /^1\.1\.0/);
    const number = (text: string): number => Number(/\d+/.exec(text.replace(/[\d.]+\.\d+/, ""))?.[0]);
    assert.ok(number(await visit()) > number(counted), counted);
    await up("--expect-no-changes");
  });

  test("a release that never becomes healthy is rolled back, and says why; the old version is no change", async () => {
    const old = await containers();
    await write("1.2.0");
    const output = await fails();
    assert.match(
      output,
      /E_APP_UPDATE release 1\.2\.0-[0-9a-f]{8} of shop is not healthy: .*; release 1\.1\.0-[0-9a-f]{8} runs again; fix: /,
    );
    assert.match(output, /shop-web-1: health check: /);
    assert.match(await visit("version"), /^1\.1\.0/);
    assert.equal((await containers()).get("shop-database-1"), old.get("shop-database-1"));
    await write("1.1.0");
    await up("--expect-no-changes");
  });

  test("a release that dies after 20 s is rolled back too", async () => {
    await write("1.3.0", (text) => {
      const { apps } = text as unknown as { apps: { update: Record<string, string> }[] };
      for (const { update } of apps) update["monitor"] = "40s";
    });
    assert.match(
      await fails(),
      /E_APP_UPDATE release 1\.3\.0-.* did not stay as it was for 40 s: shop-w.*release 1\.1\.0-.* runs again/,
    );
    assert.match(await visit("version"), /^1\.1\.0/);
  });

  test("a volume with another definition is refused before anything stops, and its data stays", async () => {
    await write("1.1.0");
    await up();
    const shop = "docker compose -p shop --project-directory /svc/apps/shop/current/project";
    const files =
      "--env-file /svc/apps/shop/current/values.env -f /svc/apps/shop/current/project/compose.yaml -f /svc/apps/shop/current/sealift.override.yaml";
    await root(`${shop} ${files} down`);
    await docker("volume rm shop_database");
    const labels = ["project=shop", "volume=database", "config-hash=0000"];
    await docker(
      `volume create ${labels.map((one) => `--label com.docker.compose.${one}`).join(" ")} shop_database`,
    );
    const { output } = await site.pulumi("preview");
    assert.match(output, /E_VOLUME_RECREATE volume shop_database has another definition in release 1\.1\.0-/);
    assert.equal((await containers()).size, 1, "none but the empty line");
    await docker("volume rm shop_database");
    await up();
  });

  test("after a boot without an operator the shop runs again, and its secret was there before", async () => {
    await site.guest.stop();
    site.guest = await restartGuest(name, "off");
    await site.guest.exec("sudo -n timeout 300 systemctl is-system-running --wait");
    assert.match(await visit("version"), /^1\.1\.0/);
    await write("1.1.0");
    await up("--expect-no-changes");
  });

  test("the way back is the version before, without a byte over the line", async () => {
    await write("1.0.0");
    const { length } = (await up()).match(/CopyToRemote/g) ?? [];
    assert.equal(length, 0);
    assert.match(await visit("version"), /^1\.0\.0/);
  });

  test("a folder that another user may write to is refused", async () => {
    await root("chmod 0777 /svc/apps/shop/releases");
    const { output } = await site.pulumi("preview");
    assert.match(output, /E_APP_FOLDER .*\/svc\/apps\/shop\/releases is writable by others/);
    await root("chmod 0755 /svc/apps/shop/releases");
    await up("--expect-no-changes");
  });

  test("with the older line of Compose all facts are proven again", async () => {
    await write("1.0.0", (text) => {
      Object.assign(text.engine, { compose: site.lab.bundle.olderCompose });
    });
    await up();
    await up("--expect-no-changes");
    await write("1.1.0", (text) => {
      Object.assign(text.engine, { compose: site.lab.bundle.olderCompose });
    });
    await up();
    assert.match(await visit("version"), /^1\.1\.0/);
    await up("--expect-no-changes");
  });
});
