/** `npm run demo -- --swarm`: three blank hosts become a swarm that runs the shop, and one of them dies. */
import { readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { stringify } from "yaml";
import { inSeconds } from "../../support/process/stage-view.ts";
import { table } from "../../support/process/table.ts";
import { startAgent } from "../agent.ts";
import { cachePath, checkout } from "../cache.ts";
import { removeGuest, type Guest } from "../guest.ts";
import { container } from "../machine-choice.ts";
import { prepareLab, type Lab } from "../prepare.ts";
import { pulumiEnv } from "../pulumi/pulumi-env.ts";
import { freshStack, pulumi } from "../pulumi/pulumi.ts";
import { removeStackFile, writeStack } from "../pulumi/stack.ts";
import { shownAccept } from "./accept.ts";
import { keptOnHost, type Row, shownHere, shownOnHost, shownPulumi, timed } from "./demo-output.ts";
import { startSegment } from "./segment-site.ts";
import { swarmShop, swarmShopSite } from "./swarm-site.ts";
import { keepTranscript } from "./transcript.ts";

export const swarmStack = "lab-swarm-demo";
/** Relative to the checkout. */
const secretFile = "stacks/lab-swarm-db.age";
const names = ["node-a", "node-b", "node-c"] as const;
/** In the lab's cache. */
const folder = "demo-swarm";

type Environment = Readonly<Record<string, string>>;

export async function demoSwarm(): Promise<void> {
  const lab = await prepareLab("apps");
  const rows: Row[] = lab.times.map(({ title, seconds }) => [title, inSeconds(seconds)]);
  const guests = await timed(rows, "three new containers run on an isolated network segment", () =>
    startSegment(names, container("/data")),
  );
  const agent = await startAgent(guests[0]?.identityFile ?? "");
  const env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  try {
    const { kind, origin } = lab.tools.commandPlugin;
    console.log(`\nCommand plugin of this run: ${kind} (${origin})`);
    await writeSite(lab, guests, env);
    await freshStack(swarmStack, env);
    await run(guests, env, rows);
    await loseOne(guests, env, rows);
  } finally {
    await pulumi(["stack", "rm", "--yes", "--force", swarmStack], { env });
    await removeStackFile(swarmStack);
    rmSync(join(checkout, secretFile), { force: true });
    for (const name of names) await removeGuest(name);
    await agent.stop();
  }
  const summary = `Results, and the time of each step\n\n${table(rows)}`;
  console.log(`\n${summary}\n\nThe three hosts and their stack are gone.`);
  keepTranscript("swarm-summary", summary);
}

/** The site, a recovery key, and the encrypted password of the database. */
async function writeSite(lab: Lab, guests: readonly Guest[], env: Environment): Promise<void> {
  rmSync(join(checkout, secretFile), { force: true });
  const bundle = await shownAccept(lab.bundle, folder);
  const recoveryFile = cachePath("lab", folder, "recovery.key");
  console.log("\n== A recovery key for the secrets of the site");
  await shownHere(`age-keygen -o ${relative(checkout, recoveryFile)}`, "swarm-recovery-key", env);
  const [, recoveryKey = ""] = /public key: (age1\S+)/.exec(readFileSync(recoveryFile, "utf8")) ?? [];
  const entry = { version: "1.0.0", recoveryKey, secret: secretFile };
  await writeStack(swarmStack, await swarmShopSite(guests, bundle, entry));
  console.log(`\n== The swarm and the application, in the site`);
  const shown = stringify(swarmShop(names, bundle, entry), { lineWidth: 0 });
  console.log(shown);
  keepTranscript("swarm-site", shown);
  await shownHere(
    `openssl rand -hex 16 | npx sealift secret edit ${secretFile} --env ${swarmStack} --app shop --stdin`,
    "swarm-secret",
    env,
  );
}

const up = ["up", "--stack", swarmStack, "--yes", "--skip-preview"];
const work = /-run (created|updated)|^ {4}[+~] \d+ |^Duration/;
const nothing = /unchanged|^Duration/;
const visit = "curl -fsS --retry 30 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/";

async function run(guests: readonly Guest[], env: Environment, rows: Row[]): Promise<void> {
  await timed(rows, "three bare machines became a swarm that runs shop 1.0.0", () =>
    shownPulumi(env, "From three bare machines to a running shop on their swarm", up, {
      kept: "swarm-up",
      lines: work,
    }),
  );
  await timed(rows, "every host answers for the shop", async () => {
    console.log("\n== The shop, asked on each host");
    for (const guest of guests) await shownOnHost(guest, visit);
  });
  await timed(rows, "the same run again changes nothing", () =>
    shownPulumi(env, "The same run again: nothing to do", [...up, "--expect-no-changes"], {
      kept: "swarm-again",
      lines: nothing,
    }),
  );
  console.log("\n== What runs where");
  await shownHere(`npx sealift status ${swarmStack}`, "swarm-status", env);
}

/** The last one: the database is on the first. */
async function loseOne(guests: readonly Guest[], env: Environment, rows: Row[]): Promise<void> {
  const [first, second, lost] = guests;
  if (first === undefined || second === undefined || lost === undefined) throw new Error("three hosts");
  await timed(rows, `${lost.name} dies: the swarm notices, and starts elsewhere what ran there`, async () => {
    console.log(`\n== ${lost.name} is killed`);
    await lost.kill();
    // From now on, because a service that was moved needs a moment.
    await shownOnHost(
      first,
      `sudo timeout 120 sh -c 'until docker node ls | grep -q Down && ! docker service ls --format "{{.Replicas}}" | grep -q ^0; do sleep 1; done'`,
    );
  });
  await timed(rows, "the shop goes on: both others answer, and its visitors are still counted", () =>
    keptOnHost(second, "swarm-visit", [visit]),
  );
  await shownHere(`npx sealift status ${swarmStack} || echo "exit code $?"`, "swarm-lost", env);
}
