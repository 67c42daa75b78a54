/** `npm run demo -- --app`: an application on a bare host, its update, a release that is bad, and drift. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { stringify } from "yaml";
import { siteFileOf } from "../../../modules/core/site/site-text.ts";
import { inSeconds } from "../../support/process/stage-view.ts";
import { table } from "../../support/process/table.ts";
import { startAgent } from "../agent.ts";
import { cachePath, checkout } from "../cache.ts";
import type { Guest } from "../guest.ts";
import { labGuest } from "../lab-guest.ts";
import { container } from "../machine-choice.ts";
import { prepareLab, type Lab } from "../prepare.ts";
import { pulumiEnv } from "../pulumi/pulumi-env.ts";
import { freshStack } from "../pulumi/pulumi.ts";
import { labSite, labUser, removeStackFile } from "../pulumi/stack.ts";
import { shownAccept } from "./accept.ts";
import { keptOnHost, type Row, shownHere, shownOnHost, shownPulumi, timed } from "./demo-output.ts";
import { pristineGuest } from "./pristine-guest.ts";
import { keepTranscript } from "./transcript.ts";

export const appStack = "lab-app";
/** Relative to the checkout. */
const siteFile = siteFileOf(appStack);
const secretFile = "stacks/lab-shop-db.age";
/** In the lab's cache. */
const folder = "demo-app";

const shop = {
  name: "shop",
  version: "1.0.0",
  values: { SHOP_GREETING: "Good day" },
  secrets: { db_password: { file: secretFile, owner: "999:999", mode: "0400" } },
  update: { monitor: "10s", timeout: "2m" },
  keep: 2,
};

export async function demoApp(): Promise<void> {
  const lab = await prepareLab("apps");
  const rows: Row[] = lab.times.map(({ title, seconds }) => [title, inSeconds(seconds)]);
  const guest = await pristineGuest(labGuest, rows, container("/svc", "/logs", "/data"));
  const agent = await startAgent(guest.identityFile);
  try {
    const env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
    const { kind, origin } = lab.tools.commandPlugin;
    console.log(`\nCommand plugin of this run: ${kind} (${origin})`);
    await writeSite(lab, guest, env);
    await freshStack(appStack, env);
    await run(guest, env, rows);
    await update(guest, env, rows);
    await badRelease(guest, env, rows);
    await drift(guest, env, rows);
    await guest.save("demo");
  } finally {
    await agent.stop();
    await guest.stop();
  }
  const summary = `Results, and the time of each step\n\n${table(rows)}\n\n${closingText()}`;
  console.log(`\n${summary}`);
  keepTranscript("app-summary", summary);
}

type Environment = Readonly<Record<string, string>>;

const up = ["up", "--stack", appStack, "--yes", "--skip-preview"];
const previewed = ["preview", "--stack", appStack];

/** What the documentation shows of each. */
const facts = /^ {4}(apps|secrets|images)\.|^ {2}command:.*-(apps|secrets|images)-run\)|to (create|update)$/;
const work = /-run (created|updated)|^ {4}[+~] \d+ |^Duration/;
const failure = /^ {4}(error: Process| {2}\| |demo apps: )|errored|^Duration/;
/** A container that is replaced has another id. */
const ids = "docker ps --no-trunc --format '{{.ID}} {{.Names}}' | sort";
const nothing = /unchanged|^Duration/;

/** The site file as a person would write it, a recovery key, and the encrypted password of the database. */
async function writeSite(lab: Lab, guest: Guest, env: Environment): Promise<void> {
  await removeStackFile(appStack);
  rmSync(join(checkout, secretFile), { force: true });
  const bundle = await shownAccept(lab.bundle, folder);
  const recoveryFile = cachePath("lab", folder, "recovery.key");
  console.log("\n== A recovery key for the secrets of the site");
  await shownHere(`age-keygen -o ${relative(checkout, recoveryFile)}`, "app-recovery-key", env);
  const [, recoveryKey = ""] = /public key: (age1\S+)/.exec(readFileSync(recoveryFile, "utf8")) ?? [];
  const site = await labSite([guest], bundle);
  // The classic store would lose the digests of images that come over ssh.
  delete site.daemon["storage-driver"];
  const { compose } = bundle.plugins;
  const apps = { secrets: { age: bundle.age, recoveryKey }, apps: [shop] };
  const all = {
    ...site,
    engine: { ...site.engine, compose },
    daemon: { ...site.daemon, features: { "containerd-snapshotter": true } },
    ...apps,
  };
  writeFileSync(
    join(checkout, siteFile),
    `# Written by the lab for the guest it started; it is overwritten.\n${stringify(all, { lineWidth: 0 })}`,
  );
  console.log(`\n== The application and its secret, in ${siteFile}`);
  const shown = stringify(apps, { lineWidth: 0 });
  console.log(shown);
  keepTranscript("app-site", shown);
  await shownHere(
    `openssl rand -hex 16 | npx sealift secret edit ${secretFile} --env ${appStack} --app shop --stdin`,
    "app-secret",
    env,
  );
}

/** One line of the site file changes, as a person would change it. */
function writeVersion(version: string): void {
  console.log(`\n== version: ${version} in ${siteFile}`);
  const file = join(checkout, siteFile);
  writeFileSync(
    file,
    readFileSync(file, "utf8").replace(
      /(- name: shop\n\s+version: ).*/,
      (_all, before: string) => before + version,
    ),
  );
}

async function run(guest: Guest, env: Environment, rows: Row[]): Promise<void> {
  await timed(rows, "the preview lists what a bare machine needs for the shop", () =>
    shownPulumi(env, "The preview of a bare machine", previewed, { kept: "app-preview", lines: facts }),
  );
  await timed(rows, "a bare machine became a host that runs shop 1.0.0", () =>
    shownPulumi(env, "From a bare machine to a running shop", up, { kept: "app-up", lines: work }),
  );
  await timed(rows, "the shop answers, and counts in its database", async () => {
    console.log("\n== The shop, asked on its host");
    await keptOnHost(guest, "app-visit", [
      "curl -sS http://127.0.0.1:8080/",
      "curl -sS http://127.0.0.1:8080/",
    ]);
    await keptOnHost(
      guest,
      "app-containers",
      [`docker ps --format 'table {{.Names}}\\t{{.Image}}\\t{{.Status}}'`],
      labUser,
    );
    await keptOnHost(guest, "app-host", [
      "ls /svc/apps/shop",
      "readlink /svc/apps/shop/current",
      "cd /svc/apps/shop/current && find . -type f | sort",
      "cat /svc/apps/shop/current/values.env",
      "sudo ls -ln /run/sealift/secrets/shop",
      "systemctl list-units --plain --no-legend 'sealift-*'",
    ]);
  });
  await unchanged(env, rows, "a second run changes nothing", "app-again");
}

async function update(guest: Guest, env: Environment, rows: Row[]): Promise<void> {
  writeVersion("1.1.0");
  await timed(rows, "the preview says which services an update stops", () =>
    shownPulumi(env, "What the update would stop", previewed, {
      expectedTexts: ["apps.shop.service.web: found: shop-web-1 runs another configuration"],
      kept: "app-update-preview",
      lines: facts,
    }),
  );
  await timed(rows, "shop 1.1.0 runs; database and cache were not stopped", async () => {
    await shownPulumi(env, "The update", up, { kept: "app-update", lines: work });
    await keptOnHost(guest, "app-update-visit", [
      "curl -sS http://127.0.0.1:8080/version",
      "curl -sS http://127.0.0.1:8080/",
      "cat /svc/apps/shop/updates",
    ]);
    await shownHere(`npx sealift status ${appStack}`, "app-status", env);
  });
}

async function badRelease(guest: Guest, env: Environment, rows: Row[]): Promise<void> {
  writeVersion("1.2.0");
  await timed(rows, "the preview of another update says how long the last one stopped the services", () =>
    shownPulumi(env, "What the next update would stop", previewed, {
      expectedTexts: ["s at its last update"],
      kept: "app-bad-preview",
      lines: facts,
    }),
  );
  await timed(rows, "shop 1.2.0 does not become healthy: the run fails, and 1.1.0 runs again", async () => {
    await shownPulumi(env, "A bad release is rolled back", up, {
      expectedTexts: ["E_APP_UPDATE", "runs again"],
      kept: "app-bad",
      lines: failure,
      fails: true,
    });
    await keptOnHost(guest, "app-bad-visit", [
      "curl -sS http://127.0.0.1:8080/version",
      "curl -sS http://127.0.0.1:8080/",
    ]);
  });
  writeVersion("1.1.0");
  await timed(rows, "the version before in the site: nothing changes on the host", async () => {
    const before = await shownOnHost(guest, ids, labUser);
    await shownPulumi(env, "The way back: 1.1.0 runs already", up, {
      kept: "app-back",
      lines: /deleted|unchanged|^Duration/,
    });
    if ((await shownOnHost(guest, ids, labUser)) !== before) throw new Error("containers were replaced");
  });
}

async function drift(guest: Guest, env: Environment, rows: Row[]): Promise<void> {
  await timed(rows, "a removed container and an edited file show in the preview", async () => {
    console.log("\n== Changes on the host outside Sealift");
    await keptOnHost(guest, "app-break", [
      "sudo docker rm --force shop-worker-1",
      "echo edited | sudo tee -a /svc/apps/shop/current/project/shop.conf",
    ]);
    await shownPulumi(env, "The preview names each: found, expected, impact", previewed, {
      expectedTexts: ["apps.shop.service.worker: found: absent", "shop.conf is altered"],
      kept: "app-drift",
      lines: facts,
    });
  });
  await timed(rows, "the next run repairs both", async () => {
    await shownPulumi(env, "The repair", up, { kept: "app-repair", lines: work });
    await shownOnHost(guest, "curl -sS http://127.0.0.1:8080/");
  });
  await unchanged(env, rows, "a last run changes nothing", "app-last");
}

function unchanged(env: Environment, rows: Row[], fact: string, kept: string): Promise<void> {
  return timed(rows, fact, () =>
    shownPulumi(env, "The same run again: nothing to do", [...up, "--expect-no-changes"], {
      kept,
      lines: nothing,
    }),
  );
}

function closingText(): string {
  return [
    "The test host is stopped; its state is saved. When it starts again, the shop starts with it.",
    "",
    table([
      ["  log in", "npm run lab -- login"],
      ["  start it again", "npm run lab -- start"],
      ["  visit the shop", "npm run lab -- login curl -sS http://127.0.0.1:8080/"],
      ["  run pulumi yourself", `eval "$(npm run --silent lab -- env)"; pulumi preview --stack ${appStack}`],
      ["  change the site", siteFile],
      ["  stop it", "npm run lab -- stop"],
      ["  start over", "npm run lab -- clean"],
    ]),
  ].join("\n");
}
