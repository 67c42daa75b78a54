/**
 * A store of backups and the host of its copies: what a client with a root shell cannot do there; what maintenance removes, keeps, copies and
 * finds; each fact broken by hand, found, repaired.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { reportedCertificate, type StoreCertificates } from "../../modules/backup/certificates.ts";
import { quote } from "../../modules/core/quote.ts";
import type { Step } from "../../modules/core/host/step.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import {
  passwordFile,
  startStores,
  type StoreInGuest,
  storeMount,
  type StoresInGuests,
} from "../support/guests/store-in-guest.ts";
import { undoAfter } from "../support/process/undo.ts";

const etc = "/etc/sealift/store";
const state = "/var/lib/sealift/store";
const restic = "/opt/sealift/restic/0.19.1/restic";
const plaintext = "PLAINTEXT of the shop";
/** Of store-b, for store-a. */
let certificates: StoreCertificates = new Map();

let world: StoresInGuests;
let client: (command: string) => Promise<string>;
const undo = undoAfter();
before(async () => {
  world = await startStores("backup");
  undo(() => world.end());
  client = world.client.root;
});

const { finds, applies, refuses, holds } = shellFacts(() => world.store.on);
const root = (command: string): Promise<string> => world.store.on.root(command);
const steps = (): readonly Step[] => world.store.steps(certificates);
const call = (what: string): Step["call"] => {
  const step = steps().find(({ code }) => code === `store.${what}`);
  assert.ok(step, what);
  return step.call;
};

async function converge({ on, name, address }: StoreInGuest, own: readonly Step[]): Promise<string> {
  const made = await on.run("apply", own);
  assert.ok(made.revision, made.text);
  const again = await on.run("check", own);
  assert.deepEqual(
    again.steps.filter(({ status }) => status !== "ok"),
    [],
  );
  const value = again.values?.["store.certificate"] ?? "";
  assert.equal(value, made.values?.["store.certificate"] ?? value);
  const found = reportedCertificate({ name, store: { address } as never }, value);
  assert.equal(found, value);
  return value;
}

/** A login at the store, as a client's script computes it. */
async function environment(host: string, own = host): Promise<string> {
  const { output } = await world.client.call("backup_login", host, passwordFile(own));
  assert.match(output, /^[0-9a-f]{64}$/);
  return `export RESTIC_REST_USERNAME=${host} RESTIC_REST_PASSWORD=${output} RESTIC_PASSWORD_FILE=${passwordFile(host)} RESTIC_REPOSITORY=rest:https://10.9.0.1:8000/${host}/ RESTIC_CACERT=/etc/sealift/backup/stores/store-a.crt;`;
}

/** restic on the client, as root. */
async function asClient(words: string, host = "node-a"): Promise<string> {
  return client(`${await environment(host)} restic ${words}`);
}

let runs = 0;
interface Backup {
  readonly app?: string;
  readonly time?: string;
  readonly run?: string;
  readonly marks?: string;
  readonly host?: string;
}

/** @returns the id of the snapshot. */
async function backUp({ app = "shop", time, run, marks, host = "node-a" }: Backup = {}): Promise<string> {
  runs += 1;
  const own = run ?? runs.toString(16).padStart(16, "0");
  const tags = marks === undefined ? [`run=${own}`] : [`void=${marks}`];
  const words = ["--host", host, "--tag", [`app=${app}`, ...tags].join(",")];
  if (time !== undefined) words.push("--time", quote(time));
  const shown = await client(
    `${await environment(host)} mkdir -p /srv/data && echo ${quote(`${plaintext} ${runs}`)} >/srv/data/orders && restic --json backup ${words.join(" ")} /srv/data 2>&1 | tail -n 1`,
  );
  return /"snapshot_id":"([0-9a-f]{64})"/.exec(shown)?.[1] ?? assert.fail(shown);
}

/** Starts the maintenance; it ends well or not. @returns what it has noted of a repository. */
async function maintain(store = world.store, path = "node-a"): Promise<Readonly<Record<string, string>>> {
  await store.on.root("systemctl start sealift-store-maintenance || true");
  const text = await store.on.root(`cat ${state}/${path}/state`);
  return Object.fromEntries(
    text.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

/** Ids of the backups in a repository, oldest first, of one application. */
async function stored(app: string, store = world.store, path = "node-a"): Promise<readonly string[]> {
  const text = await store.on.root(
    `RESTIC_PASSWORD_FILE=${passwordFile("node-a")} ${restic} --no-cache --no-lock -r ${storeMount}/restic/${path} snapshots --json --tag app=${app}`,
  );
  const all = JSON.parse(text) as readonly { id: string; time: string; original?: string }[];
  return all.toSorted((a, b) => a.time.localeCompare(b.time)).map(({ id, original }) => original ?? id);
}

/** A command that makes another certificate with the key of the store. */
const certificateFor = (address: string, days: number): string =>
  `printf '[req]\\ndistinguished_name=n\\n[n]\\n' | openssl req -config /dev/stdin -x509 -key ${etc}/server.key -days ${days} -subj /CN=x -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:${address} -out ${etc}/server.crt`;

const daysAgo = (days: number): string =>
  new Date(Date.now() - days * 86_400_000).toISOString().replace("T", " ").slice(0, 19);

describe("a store of backups", () => {
  test("on new hosts every fact is made true, in order, and then holds; the store reports its certificate", async () => {
    const before = await world.store.on.run("check", steps());
    assert.deepEqual(
      before.steps.map(({ code, status }) => `${code} ${status}`),
      steps().map(({ code }) => `${code} ${code === "store.status" ? "ok" : "drift"}`),
    );
    assert.equal(before.values?.["store.certificate"], undefined);
    const made = await converge(world.copy, world.copy.steps());
    certificates = new Map([["store-b", made]]);
    const own = await converge(world.store, steps());
    const { exitCode, output } = await world.client.call("apply_store_certificate_known", "store-a", own);
    assert.equal(exitCode, 0, output);
    assert.deepEqual(await world.client.call("check_store_certificate_known", "store-a", own), {
      exitCode: 0,
      output: "",
    });
  });

  test("the unit of the server is hardened, with an exposure of at most 1.5, that of maintenance of at most 4", async () => {
    for (const [unit, most] of [
      ["sealift-store", 1.5],
      ["sealift-store-maintenance", 4],
    ] as const) {
      const text = await root(`systemd-analyze security --no-pager ${unit}.service | tail -n 1`);
      console.log(text.trim());
      assert.ok(Number(/: ([\d.]+) /.exec(text)?.[1]) <= most, text);
    }
  });

  test("hosts make backups, which the store holds encrypted", async () => {
    for (const host of ["node-a", "node-b"]) {
      await asClient("init", host);
      await backUp({ host });
    }
    assert.match(await asClient("dump latest /srv/data/orders"), new RegExp(`^${plaintext}`));
    await root(`! grep -rqF ${quote(plaintext)} ${storeMount}`);
    assert.equal(
      await root(`stat -c '%U %a' ${storeMount}/restic ${storeMount}/restic/node-a`),
      "sealift-store 700\nsealift-store 700\n",
    );
    await root(`! runuser -u nobody -- ls ${storeMount}/restic`);
  });

  test("a client with a root shell deletes, replaces and reads nothing but its own new files", async () => {
    const id = await backUp();
    for (const words of [`forget ${id}`, "forget --prune --keep-last 1", "rewrite --forget --exclude orders"])
      await client(`${await environment("node-a")} ! restic ${words} >/dev/null 2>&1`);
    const login = await environment("node-a");
    const curl = `${login} echo "user = \\"$RESTIC_REST_USERNAME:$RESTIC_REST_PASSWORD\\"" | curl -s -o /dev/null -w '%{http_code}' --cacert $RESTIC_CACERT --config -`;
    const url = "https://10.9.0.1:8000";
    const pack = (await root(`ls ${storeMount}/restic/node-a/data/*/* | head -n 1`)).trim();
    const name = pack.slice(pack.lastIndexOf("/") + 1);
    const hash = await root(`sha256sum <${pack}`);
    const key = (await root(`ls ${storeMount}/restic/node-a/keys`)).trim();
    const asked: readonly (readonly [string, string])[] = [
      [`-X DELETE ${url}/node-a/data/${name}`, "403"],
      [`-X DELETE ${url}/node-a/config`, "403"],
      [`-X DELETE ${url}/node-a/keys/${key}`, "403"],
      [`-X DELETE ${url}/node-a/snapshots/${id}`, "403"],
      [`-X POST --data-binary forged ${url}/node-a/data/${name}`, "403"],
      [`-X POST --data-binary forged ${url}/node-a/config`, "403"],
      [`${url}/node-b/config`, "401"],
      [`-X POST ${url}/node-c/?create=true`, "401"],
      [`--path-as-is ${url}/node-a/../node-b/config`, "307"],
      [`${url}/`, "401"],
      [`${url}/node-a/config`, "200"],
    ];
    for (const [words, status] of asked) assert.equal(await client(`${curl} ${words}`), status, words);
    assert.equal(await root(`sha256sum <${pack}`), hash);
    // Nobody without a login, and none with that of another.
    assert.equal(await client(`curl -sk -o /dev/null -w '%{http_code}' ${url}/node-a/config`), "401");
    await client(`${await environment("node-a", "node-b")} ! restic snapshots >/dev/null 2>&1`);
    assert.equal(
      await client(`curl -s http://10.9.0.1:8000/node-a/config`),
      "Client sent an HTTP request to an HTTPS server.\n",
    );
    assert.ok((await stored("shop")).includes(id));
  });

  test("maintenance opens a repository with a key of its own, checks, copies, and keeps what the site says", async () => {
    const shop: string[] = [];
    for (const days of [6, 5, 4, 3, 2, 1]) shop.push(await backUp({ time: daysAgo(days) }));
    const report = await backUp({ app: "report", time: daysAgo(40) });
    const before = Number(await root(`ls ${storeMount}/restic/node-a/snapshots | wc -l`));
    const noted = await maintain();
    assert.equal(noted["result"], "ok", JSON.stringify(noted));
    assert.ok(before > Number(noted["snapshots"]));
    const kept = await stored("shop");
    assert.deepEqual(kept.slice(0, 2), shop.slice(-2), "one each of the last three days");
    assert.equal(kept.length, 3);
    assert.deepEqual(await stored("report"), [report], "retention is per application");
    assert.equal(await root(`stat -c '%U %a' ${etc}/keys/node-a.key`), "root 600\n");
    await root(
      `mv ${passwordFile("node-a")} /run/kept && systemctl start sealift-store-maintenance; mv /run/kept ${passwordFile("node-a")}`,
    );
    assert.match(
      await root(`cat ${state}/node-a/state`),
      /^error=not copied to store-b: a password is absent$/m,
    );
    assert.equal((await maintain())["result"], "ok");
  });

  test("the copy opens with the password of the site, is not writable for its clients, and has its own maintenance", async () => {
    assert.deepEqual(await stored("report", world.copy, "store-a/node-a"), await stored("report"));
    const copied = await stored("shop", world.copy, "store-a/node-a");
    for (const id of await stored("shop")) assert.ok(copied.includes(id), id);
    const noted = await maintain(world.copy, "store-a/node-a");
    assert.equal(noted["result"], "ok", JSON.stringify(noted));
    assert.deepEqual(await stored("shop", world.copy, "store-a/node-a"), await stored("shop"));
    const { values = {} } = await world.store.on.run("check", steps());
    assert.match(
      values["store.status"] ?? "",
      /^node-a result=ok snapshots=4 bytes=\d+ checked=\d+ copied\.store-b=\d+; node-b result=ok snapshots=1 .*;$/,
    );
  });

  test("of one run only the backup that the store saw first counts, whatever the client makes of it later", async () => {
    const only = await backUp({ app: "twice" });
    assert.equal((await maintain())["result"], "ok");
    for (const name of ["orders", "data"])
      await client(
        `${await environment("node-a")} ! restic rewrite --forget --exclude ${name} ${only} >/dev/null 2>&1`,
      );
    assert.ok((await stored("twice")).length > 1);
    assert.equal((await maintain())["result"], "ok");
    assert.deepEqual(await stored("twice"), [only]);
    await root(`test -f ${storeMount}/restic/node-a/snapshots/${only}`);
  });

  test("a void backup is removed with its marker, and does not take the place of a good one", async () => {
    const good = await backUp();
    const run = "feedfeedfeedfeed";
    const failed = await backUp({ run });
    const marker = await backUp({ marks: run });
    assert.equal((await maintain())["result"], "ok");
    const kept = await stored("shop");
    assert.ok(kept.includes(good) && !kept.includes(failed), kept.join());
    assert.equal((await maintain())["result"], "ok");
    assert.ok(!(await stored("shop")).includes(marker));
    const copied = await stored("shop", world.copy, "store-a/node-a");
    assert.ok(copied.includes(good) && !copied.includes(failed));
  });

  test("a client that calls all its backups void, or of another time, loses none that were there before", async () => {
    const run = "abadabadabadabad";
    const only = await backUp({ app: "small", run });
    await backUp({ app: "small", marks: run });
    assert.equal((await maintain())["result"], "ok");
    assert.ok((await stored("small")).includes(only), "the last backup of an application stays");
    const before = await stored("shop");
    const forged = [await backUp({ time: daysAgo(5) }), await backUp({ time: daysAgo(-3) })];
    const noted = await maintain();
    assert.match(
      noted["error"] ?? "",
      /^backups with a time that they cannot have, .*: [0-9a-f]{8} [0-9a-f]{8} $/,
    );
    assert.deepEqual(
      (await stored("shop")).filter((id) => !forged.includes(id)),
      before,
    );
    const { steps: found } = await world.store.on.run("check", steps());
    const warned = found.find(({ code }) => code === "store.maintenance");
    assert.equal(warned?.status, "warn");
    assert.match(warned.found, /^E_BACKUP node-a: backups with a time/);
    for (const id of forged) {
      const copied = await stored("shop", world.copy, "store-a/node-a");
      assert.ok(!copied.includes(id));
    }
    await root(
      `RESTIC_PASSWORD_FILE=${etc}/keys/node-a.key ${restic} --no-cache -r ${storeMount}/restic/node-a forget ${forged.join(" ")}`,
    );
    assert.equal((await maintain())["result"], "ok");
    await holds(...call("maintenance"));
  });

  test("root on the store cannot make a copy forget what it has, with backups of earlier days", async () => {
    assert.equal((await maintain(world.copy, "store-a/node-a"))["result"], "ok");
    const before = await stored("shop", world.copy, "store-a/node-a");
    assert.ok(before.length >= 3);
    const { output: login } = await world.store.on.call("backup_login", "store-a", passwordFile("store-a"));
    const copy = `RESTIC_REST_USERNAME=store-a RESTIC_REST_PASSWORD=${login.trim()} RESTIC_PASSWORD_FILE=${passwordFile("node-a")} RESTIC_CACERT=/etc/sealift/backup/stores/store-b.crt ${restic} --no-cache -r rest:https://10.9.0.2:8000/store-a/node-a/`;
    const forged: string[] = [];
    for (const days of [9, 8, 7, 6, 5]) {
      const shown = await root(
        `cd /etc/sealift && ${copy} --json backup --host node-a --tag app=shop,run=f${days} --time ${quote(daysAgo(days))} store/server.crt | tail -n 1`,
      );
      forged.push(/"snapshot_id":"([0-9a-f]{64})"/.exec(shown)?.[1] ?? assert.fail(shown));
    }
    const noted = await maintain(world.copy, "store-a/node-a");
    assert.match(noted["error"] ?? "", /^backups with a time that they cannot have, .*: ([0-9a-f]{8} ){5}$/);
    const after = await stored("shop", world.copy, "store-a/node-a");
    assert.deepEqual(
      after.filter((id) => !forged.includes(id)),
      before,
    );
    await world.copy.on.root(
      `RESTIC_PASSWORD_FILE=${etc}/keys/store-a/node-a.key ${restic} --no-cache -r ${storeMount}/restic/store-a/node-a forget ${forged.join(" ")}; chown -R sealift-store: ${storeMount}/restic/store-a/node-a`,
    );
    assert.equal((await maintain(world.copy, "store-a/node-a"))["result"], "ok");
  });

  test("a copy that is made again, of backups of earlier weeks, is believed", async () => {
    await world.copy.on.root(`mv ${storeMount}/restic/store-a/node-a /run/earlier`);
    const old = await backUp({ app: "yearly" });
    assert.equal((await maintain())["result"], "ok");
    const noted = await maintain(world.copy, "store-a/node-a");
    assert.equal(noted["result"], "ok", JSON.stringify(noted));
    assert.deepEqual(await stored("report", world.copy, "store-a/node-a"), await stored("report"));
    assert.ok((await stored("yearly", world.copy, "store-a/node-a")).includes(old));
    await world.copy.on.root("rm -r /run/earlier");
  });

  test("killed at any moment, the next maintenance goes on", async () => {
    await backUp();
    const unit = "sealift-store-maintenance";
    const running = (what: string): string => `pgrep -u sealift-store -f "^${restic} .*${what}"`;
    // A file that restic had not renamed yet is no lock.
    const locked = `find ${storeMount}/restic -path "*/locks/*" ! -name "*-tmp-*" | grep .`;
    // Each moment is one that a run passes for certain.
    for (const moment of [
      running("unlock"),
      running("check"),
      locked,
      running("snapshots"),
      running("copy"),
      `${running("copy")} && ${locked}`,
      running("prune"),
      `${running("prune")} && ${locked}`,
    ]) {
      // A run may pass its moment between two looks.
      let met = "missed";
      for (let tries = 0; met !== "met" && tries < 20; tries++) {
        await backUp();
        const unlessOver = `if systemctl show -p ActiveState ${unit} | grep -q inactive; then echo missed; exit; fi`;
        const script = [
          `systemctl start --no-block ${unit}`,
          `until { ${moment}; } >/dev/null 2>&1; do ${unlessOver}; done`,
          // Not systemctl kill: that also kills what systemd starts after the death of the rest.
          `kill -KILL $(systemctl show -p MainPID --value ${unit}) $(pgrep -u sealift-store -x restic)`,
          `until systemctl is-failed --quiet ${unit}; do ${unlessOver}; sleep 0.1; done`,
          `systemctl reset-failed ${unit}`,
          "echo met",
        ];
        met = (await root(script.join("; "))).trim();
      }
      assert.equal(met, "met", moment);
      assert.equal(await root(`${locked} || true`), "", moment);
    }
    const noted = await maintain();
    assert.equal(noted["result"], "ok", JSON.stringify(noted));
    for (const id of (await stored("shop")).slice(-3))
      assert.ok((await stored("shop", world.copy, "store-a/node-a")).includes(id));
    await asClient("check");
  });

  test("flipped bytes are found by the check, reported, and nothing is removed; the copy is intact", async () => {
    // The largest pack has data.
    const pack = (await root(`ls -S ${storeMount}/restic/node-a/data/*/* | head -n 1`)).trim();
    await root(
      `cp -p ${pack} /run/pack && printf flipped | dd of=${pack} bs=1 seek=40 conv=notrunc 2>/dev/null`,
    );
    const before = await stored("shop");
    let noted: Readonly<Record<string, string>> = {};
    for (let day = 0; day < 7 && noted["result"] !== "damaged"; day++) noted = await maintain();
    assert.equal(noted["result"], "damaged");
    console.log(noted["error"]);
    assert.match(noted["error"] ?? "", /^check failed: /);
    const { steps: found } = await world.store.on.run("check", steps());
    assert.match(
      found.find(({ code }) => code === "store.maintenance")?.found ?? "",
      /^E_BACKUP node-a: check failed: .*; fix: /,
    );
    assert.equal((await maintain())["result"], "damaged", "the same part again");
    assert.deepEqual(await stored("shop"), before);
    await world.copy.on.root(
      `RESTIC_PASSWORD_FILE=${passwordFile("node-a")} ${restic} --no-cache --no-lock -r ${storeMount}/restic/store-a/node-a check --read-data`,
    );
    await root(`cp -p /run/pack ${pack}`);
    assert.equal((await maintain())["result"], "ok");
    await holds(...call("maintenance"));
  });

  /** A manual change, the step that finds it, and what it reports. */
  const breakages: readonly [string, string, string, RegExp][] = [
    [
      "a user who can log in",
      "user",
      "usermod --shell /bin/bash sealift-store",
      /^its login shell is \/bin\/bash$/,
    ],
    [
      "a folder open to others",
      "folder",
      `chmod 0755 ${storeMount}/restic`,
      /sealift-store:sealift-store 755 instead of/,
    ],
    [
      "the server altered",
      "server-program",
      "cd /opt/sealift/rest-server/0.14.0 && cp rest-server other && printf x >>other && mv other rest-server",
      /rest-server is altered$/,
    ],
    ["a key that all can read", "certificate", `chmod 0644 ${etc}/server.key`, /wrong owner or mode$/],
    [
      "a certificate for another address",
      "certificate",
      certificateFor("10.9.9.9", 3650),
      /server\.crt is for /,
    ],
    [
      "a certificate with less than a year left",
      "certificate",
      certificateFor("10.9.0.1", 364),
      /^server\.crt expires on .* GMT, less than 365 days from now$/,
    ],
    [
      "a login of nobody",
      "logins",
      `sed -n 's/^node-a/node-x/p' ${etc}/htpasswd >>${etc}/htpasswd`,
      /does not have the logins/,
    ],
    [
      "a login of another password",
      "logins",
      `sed -i 's/^node-a:.*/node-a:x/' ${etc}/htpasswd`,
      /does not have the logins/,
    ],
    [
      "not append-only",
      "unit",
      "sed -i s/--append-only// /etc/systemd/system/sealift-store.service",
      /service is altered$/,
    ],
    ["not at boot", "unit", "systemctl disable --quiet sealift-store", /would not start at boot$/],
    ["stopped", "running", "systemctl stop sealift-store", /^not running$/],
    [
      "an earlier certificate in use",
      "running",
      `cp ${etc}/server.crt /run/was && sed -i '$a # x' ${etc}/htpasswd`,
      /^runs with an earlier htpasswd$/,
    ],
    [
      "the script altered",
      "maintenance",
      "sed -i s/prune/true/ /opt/sealift/store/maintain",
      /maintain is altered$/,
    ],
    [
      "the timer stopped",
      "maintenance",
      "systemctl stop sealift-store-maintenance.timer",
      /timer is inactive$/,
    ],
    [
      "another certificate of the copy",
      "copy-certificate.store-b",
      "printf x >>/etc/sealift/backup/stores/store-b.crt",
      /crt is altered$/,
    ],
  ];
  for (const [name, what, command, finding] of breakages)
    test(`found and repaired: ${name}`, async () => {
      await root(command);
      await finds(finding, ...call(what));
      await applies(...call(what));
      for (const then of ["certificate", "logins", "unit", "running"]) await applies(...call(then));
    });

  test("a server that deletes is found by what it answers", async () => {
    await root(
      "systemctl stop sealift-store; systemd-run --quiet --unit=other --uid=sealift-store /opt/sealift/rest-server/0.14.0/rest-server --private-repos --path /backup/restic --listen :8000 --htpasswd-file /etc/sealift/store/htpasswd --tls --tls-cert /etc/sealift/store/server.crt --tls-key /etc/sealift/store/server.key; sleep 1",
    );
    const [, ...words] = call("running");
    const { exitCode, output } = await world.store.on.call("store_answers", ...words);
    assert.equal(exitCode, 1, output);
    await refuses(/^E_PORT port 8000 is taken by rest-server, pid \d+; /, ...call("running"));
    await root("systemctl stop other");
    await applies(...call("running"));
  });

  test("a renewed certificate is another one, and who trusts the old one is not answered", async () => {
    const { output: old } = await world.store.on.call("value_store_certificate");
    await root(`rm ${etc}/server.crt`);
    await finds(/missing/, ...call("certificate"));
    await applies(...call("certificate"));
    await finds(/^runs with an earlier server\.crt$/, ...call("running"));
    await applies(...call("running"));
    const { output: renewed } = await world.store.on.call("value_store_certificate");
    assert.notEqual(renewed, old);
    await client(`${await environment("node-a")} ! timeout 20 restic snapshots >/dev/null 2>&1`);
    const { exitCode } = await world.client.call("apply_store_certificate_known", "store-a", renewed);
    assert.equal(exitCode, 0);
    await asClient("snapshots");
  });

  test("a drop-in of somebody else is refused by name", async () => {
    for (const unit of ["sealift-store.service", "sealift-store-maintenance.timer"]) {
      const folder = `/etc/systemd/system/${unit}.d`;
      await root(`mkdir ${folder} && printf '[Unit]\\n' >${folder}/other.conf`);
      await refuses(
        /^E_UNMANAGED_UNIT .*other\.conf; /,
        ...call(unit.includes("maintenance") ? "maintenance" : "unit"),
      );
      await root(`rm -r ${folder} && systemctl daemon-reload`);
    }
  });

  test("without its volume nothing is stored on the system disk", async () => {
    await root(`systemctl stop sealift-store && umount ${storeMount}`);
    await finds(`nothing mounted at ${storeMount}`, ...call("folder"));
    const { exitCode, output } = await world.store.on.call("apply_store_folder", storeMount);
    assert.equal(exitCode, 1);
    assert.match(output, /^E_MOUNT_POINT nothing is mounted at \/backup; fix: /);
    await root(`! ls ${storeMount}/restic 2>/dev/null`);
    await root(
      `mkdir -p ${storeMount} && chown nobody ${storeMount} && mount -t tmpfs tmpfs ${storeMount} -o uid=65534,mode=0755`,
    );
    await refuses(
      /^E_MOUNT_POINT backups are stored in \/backup, but \/backup belongs to nobody; /,
      ...call("folder"),
    );
    await root(`umount ${storeMount}; chown root ${storeMount}`);
  });
});
