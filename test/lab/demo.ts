/**
 * `npm run demo`: from nothing to a provisioned host, and the proof of it, as its user would see it: a virtual machine with a blank
 * disk. `npm run demo -- --fast`: the same on a system container, whose storage is there already. `npm run demo -- --site`: three hosts
 * that a registry feeds. `npm run demo -- --app`: an application on a host, its updates and its way back. `npm run demo -- --backup`: its
 * data, backed up, lost and restored. `npm run demo -- --swarm`: the application on a swarm of three hosts, one of which dies.
 */
import { rmSync } from "node:fs";
import { formatProblem, SealiftError } from "../../modules/core/errors.ts";
import { inSeconds } from "../support/process/stage-view.ts";
import { table } from "../support/process/table.ts";
import { startAgent } from "./agent.ts";
import { appStack, demoApp } from "./demo/demo-app.ts";
import { backupStack, demoBackup } from "./demo/demo-backup.ts";
import { demoSite, siteStack } from "./demo/demo-site.ts";
import { demoSwarm, swarmStack } from "./demo/demo-swarm.ts";
import { shownAccept } from "./demo/accept.ts";
import { pristineGuest } from "./demo/pristine-guest.ts";
import type { Guest } from "./guest.ts";
import { imageArchive } from "./bundle/image-archive.ts";
import { labGuest } from "./lab-guest.ts";
import { container, type MachineNeed, vm } from "./machine-choice.ts";
import { prepareLab, type Lab } from "./prepare.ts";
import { pulumiEnv } from "./pulumi/pulumi-env.ts";
import { freshStack } from "./pulumi/pulumi.ts";
import { type Row, shownOnHost, shownPulumi, timed } from "./demo/demo-output.ts";
import { labSite, labUser, stackFile, writeStack } from "./pulumi/stack.ts";
import { keepTranscript } from "./demo/transcript.ts";

const stack = "lab";

interface Broken {
  /** The fact that is no longer true. */
  readonly code: string;
  readonly command: string;
  /** Only where Sealift has made the volumes. */
  readonly volumes?: true;
}

/** What people do to hosts, one of each kind. */
const everyBreakage: readonly Broken[] = [
  { code: "users.deploy.docker", command: `sudo gpasswd -d ${labUser} docker` },
  { code: "users.deploy.keys", command: `echo "# a key" | sudo tee -a ~${labUser}/.ssh/authorized_keys` },
  { code: "volumes.logs.mount", command: "sudo systemctl disable --now logs.mount", volumes: true },
  { code: "engine.files", command: "sudo truncate -s -1 /opt/docker/current/bin/ctr" },
  {
    code: "daemon.file",
    command: `sudo sed -i 's/"log-driver": "local"/"log-driver": "json-file"/' /etc/docker/daemon.json`,
  },
];

async function demo(machine: MachineNeed): Promise<void> {
  const lab = await prepareLab();
  const rows: Row[] = lab.times.map(({ title, seconds }) => [title, inSeconds(seconds)]);
  const guest = await pristineGuest(labGuest, rows, machine);
  const agent = await startAgent(guest.identityFile);
  try {
    const env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
    const { kind, origin } = lab.tools.commandPlugin;
    console.log(`\nCommand plugin of this run: ${kind} (${origin})`);
    const bundle = await shownAccept(lab.bundle, "demo");
    await writeStack(stack, await labSite([guest], bundle));
    await freshStack(stack, env);
    await prove(lab, guest, env, rows);
    await guest.save("demo");
  } finally {
    await agent.stop();
    await guest.stop();
  }
  const summary = `Results, and the time of each step\n\n${table(rows)}\n\n${closingText(lab)}`;
  console.log(`\n${summary}`);
  keepTranscript("summary", summary);
}

async function prove(lab: Lab, guest: Guest, env: Record<string, string>, rows: Row[]): Promise<void> {
  const up = ["up", "--stack", stack, "--yes", "--skip-preview"];
  const nothing = (fact: string): Promise<void> =>
    timed(rows, fact, () =>
      shownPulumi(env, "The same run again: nothing to do", [...up, "--expect-no-changes"]),
    );
  await timed(rows, "a bare test host became a Docker host", () =>
    shownPulumi(env, "From a bare machine to a Docker host", up),
  );
  await timed(rows, `${labUser} (not root) runs a container`, () => runContainer(lab, guest));
  await nothing("a second run changes nothing");
  const broken = everyBreakage.filter(({ volumes }) => volumes !== true || guest.mounts.length === 0);
  const phases = new Set(broken.map(({ code }) => code.split(".")[0])).size;
  await timed(rows, `${broken.length} changes made outside Sealift show in the preview`, async () => {
    console.log("\n== Changes on the host outside Sealift");
    for (const { command } of broken) await shownOnHost(guest, command);
    const title = "The preview names each: found, expected, impact";
    await shownPulumi(env, title, ["preview", "--stack", stack], {
      expectedTexts: broken.map(({ code }) => code),
    });
  });
  await timed(rows, "the next run repairs them", async () => {
    await shownPulumi(env, "The repair", up, { expectedTexts: [`~ ${phases} `] });
    await shownOnHost(guest, `grep '"log-driver": "local"' /etc/docker/daemon.json`);
  });
  await nothing("a third run changes nothing");
}

async function runContainer(lab: Lab, guest: Guest): Promise<void> {
  console.log(`\n== A container, run by ${labUser} over ssh`);
  await shownOnHost(guest, "docker load", labUser, await imageArchive(lab.bundle));
  await shownOnHost(guest, "id", labUser);
  await shownOnHost(
    guest,
    `docker run --rm ${lab.bundle.image} echo "hello from a container on an air-gapped host"`,
    labUser,
  );
}

function closingText(lab: Lab): string {
  return [
    `Engine: ${lab.bundle.engineVersion}, ${lab.bundle.origin}. The test host is stopped; its state is saved.`,
    "",
    table([
      ["  log in", "npm run lab -- login"],
      ["  start it again", "npm run lab -- start"],
      ["  run pulumi yourself", 'eval "$(npm run --silent lab -- env)"; pulumi preview --stack lab'],
      ["  stop it", "npm run lab -- stop"],
      ["  start over", "npm run lab -- clean"],
    ]),
  ].join("\n");
}

interface Demo {
  readonly run: () => Promise<void>;
  readonly shows: string;
}

const demos: Readonly<Record<string, Demo>> = {
  "": {
    run: () => demo(vm("life")),
    shows: "turns a virtual machine with a blank disk into a Docker host, and proves each step",
  },
  "--fast": { run: () => demo(container()), shows: "the same on a system container, with existing storage" },
  "--site": { run: demoSite, shows: "three hosts: a registry, and two hosts that use it" },
  "--backup": { run: demoBackup, shows: "a shop and a store: a backup, data that is lost, its restore" },
  "--swarm": {
    run: demoSwarm,
    shows: "three hosts become a swarm with a running shop, and one of them dies",
  },
  "--app": { run: demoApp, shows: "an application: its update, a bad release that is rolled back, drift" },
};

function usage(): string {
  return table(
    Object.entries(demos).map(([word, { shows }]) => [
      `npm run demo${word === "" ? "" : ` -- ${word}`}`,
      shows,
    ]),
  );
}
const words = process.argv.slice(2).join(" ");
try {
  const found = demos[words];
  if (words === "--help") console.log(usage());
  else if (found === undefined) {
    console.error(`no such demo: ${words}; there are:\n${usage()}`);
    process.exitCode = 2;
  } else await found.run();
} catch (error) {
  // Errors that the user can correct are one line each; the stack trace of a failed run helps nobody.
  for (const one of [stack, siteStack, appStack, backupStack, swarmStack])
    rmSync(stackFile(one), { force: true });
  console.error(error instanceof SealiftError ? error.problems.map(formatProblem).join("\n") : error);
  process.exitCode = 1;
}
