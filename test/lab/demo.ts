/** `npm run demo`: from nothing to a provisioned host, and the proof of it, as its user would see it. */
import { rmSync } from "node:fs";
import { formatProblem, SealiftError } from "../../modules/core/errors.ts";
import { inSeconds } from "../support/stage-view.ts";
import { runStages } from "../support/stages.ts";
import { table } from "../support/table.ts";
import { startAgent } from "./agent.ts";
import { findGuest, removeGuest, startGuest, type Guest } from "./guest.ts";
import { imageArchive } from "./hello.ts";
import { prepareLab, type Lab } from "./prepare.ts";
import { pulumiEnv } from "./pulumi-env.ts";
import { freshStack, pulumi } from "./pulumi.ts";
import { labSite, labUser, stackFile, writeStack } from "./stack.ts";
import { keepTranscript } from "./transcript.ts";

const stack = "lab";
/** The guest that `npm run lab` finds again. */
const guestName = "demo";

/** What people do to hosts, one of each kind, and the fact that is no longer true then. */
const broken = [
  { code: "users.deploy.docker", command: `sudo gpasswd -d ${labUser} docker` },
  { code: "users.deploy.keys", command: `echo "# a key" | sudo tee -a ~${labUser}/.ssh/authorized_keys` },
  { code: "volumes.logs.mount", command: "sudo systemctl disable --now logs.mount" },
  { code: "engine.files", command: "sudo truncate -s -1 /opt/docker/current/bin/ctr" },
  {
    code: "daemon.file",
    command: `sudo sed -i 's/"log-driver": "local"/"log-driver": "json-file"/' /etc/docker/daemon.json`,
  },
] as const;

type Row = readonly [fact: string, seconds: string];

async function demo(): Promise<void> {
  const lab = await prepareLab();
  const rows: Row[] = lab.times.map(({ title, seconds }) => [title, inSeconds(seconds)]);
  const guest = await pristineGuest(rows);
  const agent = await startAgent(guest.identityFile);
  try {
    const env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
    const { kind, origin } = lab.tools.commandPlugin;
    console.log(`\nCommand plugin of this run: ${kind} (${origin})`);
    await writeStack(stack, await labSite([guest], lab.bundle));
    await freshStack(stack, env);
    await prove(lab, guest, env, rows);
    await guest.save("demo");
  } finally {
    await agent.stop();
    await guest.stop();
  }
  const summary = `What is now true, and what each part took\n\n${table(rows)}\n\n${farewell(lab)}`;
  console.log(`\n${summary}`);
  keepTranscript("summary", summary);
}

/** Each part says first what a person would type. */
async function prove(lab: Lab, guest: Guest, env: Record<string, string>, rows: Row[]): Promise<void> {
  const up = ["up", "--stack", stack, "--yes", "--skip-preview"];
  const part = async (fact: string, work: () => Promise<void>): Promise<void> => {
    const start = performance.now();
    await work();
    rows.push([fact, inSeconds((performance.now() - start) / 1000)]);
  };
  const run = async (
    title: string,
    args: readonly string[],
    mustHold: readonly string[] = [],
  ): Promise<void> => {
    console.log(`\n== ${title}\n$ pulumi ${args.join(" ")}`);
    const { exitCode, output } = await pulumi(args, { env, show: true });
    if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${exitCode}`);
    keepTranscript(args[0] ?? "", `$ pulumi ${args.join(" ")}\n${output}`);
    const absent = mustHold.filter((words) => !output.includes(words));
    if (absent.length > 0) throw new Error(`its output does not hold ${absent.join(", ")}`);
  };
  const unchanged = [...up, "--expect-no-changes"];

  await part("a bare guest became a Docker host", () => run("From a bare machine to a Docker host", up));
  await part(`${labUser}, who is not root, runs a container`, () => runContainer(lab, guest));
  await part("a second run changes nothing", () => run("The same again: nothing to do", unchanged));
  await part("five facts that were broken by hand show in the preview", async () => {
    console.log("\n== Somebody works on the host by hand");
    for (const { command } of broken) await onHost(guest, command);
    const title = "The preview names each: wanted, found, effect";
    await run(
      title,
      ["preview", "--stack", stack],
      broken.map(({ code }) => code),
    );
  });
  await part("the next run repairs them", async () => {
    await run("The repair", up, ["~ 4 "]);
    await onHost(guest, `grep '"log-driver": "local"' /etc/docker/daemon.json`);
  });
  await part("a third run changes nothing", () => run("The same again: nothing to do", unchanged));
}

async function runContainer(lab: Lab, guest: Guest): Promise<void> {
  console.log(`\n== A container, run by ${labUser} over ssh`);
  await onHost(guest, "docker load", labUser, await imageArchive(lab.bundle));
  await onHost(guest, "id", labUser);
  await onHost(
    guest,
    `docker run --rm ${lab.bundle.image} echo "hello from a container with no way out"`,
    labUser,
  );
}

/** Shows the command and what it prints. @throws {Error} when it fails. */
async function onHost(
  guest: Guest,
  command: string,
  login = guest.login,
  input: Buffer | string = "",
): Promise<void> {
  console.log(`$ ssh ${login}@${guest.name} ${command}`);
  const { stdout, stderr, exitCode } = await guest.exec(command, { login, input });
  process.stdout.write(stdout);
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr}`);
}

async function pristineGuest(rows: Row[]): Promise<Guest> {
  const running = await findGuest(guestName);
  if (running !== undefined) await running.stop();
  await removeGuest(guestName);
  let guest: Guest | undefined;
  const times = await runStages([
    {
      title: "a pristine guest runs",
      run: async (report) => {
        guest = await startGuest({ name: guestName, report });
      },
    },
  ]);
  rows.push(...times.map(({ title, seconds }): Row => [title, inSeconds(seconds)]));
  if (guest === undefined) throw new Error("no guest");
  return guest;
}

function farewell(lab: Lab): string {
  return [
    `Engine: ${lab.bundle.engineVersion}, ${lab.bundle.origin}. The guest is stopped, as the demo left it.`,
    "",
    table([
      ["  log in", "npm run lab -- login"],
      ["  keep it running", "npm run lab -- start, then npm run lab -- env for pulumi by hand"],
      ["  stop it", "npm run lab -- stop"],
      ["  start over", "npm run lab -- clean"],
    ]),
  ].join("\n");
}

try {
  await demo();
} catch (error) {
  // What a person can mend is one line each; the stack file of a failed run says nothing to anybody.
  rmSync(stackFile(stack), { force: true });
  console.error(error instanceof SealiftError ? error.problems.map(formatProblem).join("\n") : error);
  process.exitCode = 1;
}
