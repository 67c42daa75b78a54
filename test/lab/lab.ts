/** `npm run lab -- <verb>`: the guest that the demo provisioned, for inspection and experiments. */
import { Command, Option } from "commander";
import { SealiftError, formatProblem } from "../../modules/core/errors.ts";
import { table } from "../support/process/table.ts";
import { cacheDir } from "./cache.ts";
import { cleanLab } from "./lab-clean.ts";
import { printEnv } from "./lab-env.ts";
import { loginToLab } from "./lab-login.ts";
import { agentOf, labGuest, startLab, stopLab } from "./lab-guest.ts";
import { container, vm } from "./machine-choice.ts";
import { allRecords, isRunning } from "./guest-record.ts";

const program = new Command("lab")
  .usage("<verb>")
  .description("The lab's guest: a machine with no route out.")
  .enablePositionalOptions();

program
  .command("start")
  .description("start the guest in the state that the demo saved, or a new one; it runs until `stop`")
  .addOption(
    new Option("--kind <kind>", "kind of a new guest: a container starts in seconds, a vm has blank disks")
      .choices(["container", "vm"])
      .default("vm"),
  )
  .action(async ({ kind }: { kind: "container" | "vm" }) => {
    const guest = await startLab(kind === "container" ? container() : vm("life"));
    const at = `${guest.login}@${guest.address} port ${guest.port}`;
    console.log(
      `The ${guest.kind} runs (pid ${guest.pid}, ${at}). What changes on it is gone when it is stopped.`,
    );
    console.log(
      table([
        ["  log in", "npm run lab -- login"],
        [
          "  run pulumi",
          'after npm run demo: eval "$(npm run --silent lab -- env)"; pulumi preview --stack lab (lab-app after --app)',
        ],
        ["  stop it", "npm run lab -- stop"],
      ]),
    );
  });

program
  .command("login")
  .description("log in to the guest, or run one command on it; starts it for as long as that takes")
  .option("-u, --user <name>", "as whom", "ops")
  .argument("[command...]")
  .passThroughOptions()
  .action(async (command: string[], { user }: { user: string }) => {
    process.exitCode = await loginToLab(user, command);
  });

program
  .command("stop")
  .description("stop the guest; what the demo saved stays")
  .action(async () => {
    console.log((await stopLab()) ? "The test host is stopped." : "No test host was running.");
  });

program
  .command("status")
  .description("what the cache folder holds and what runs")
  .action(() => {
    const rows = allRecords().map((record) => [
      record.name,
      record.kind,
      isRunning(record) ? `runs, pid ${record.pid}, port ${record.port}` : "stopped",
      record.states.length > 0 ? `saved: ${record.states.join(", ")}` : "nothing saved",
    ]);
    console.log(
      rows.length === 0 ? "There is no guest." : table([["guest", "kind", "state", "saved states"], ...rows]),
    );
  });

program
  .command("env")
  .description('print the environment for plain `pulumi`: eval "$(npm run --silent lab -- env)"')
  .action(() => {
    printEnv(agentOf(labGuest));
  });

program
  .command("clean")
  .description(
    "start over: stop and remove the guests, the lab's stacks and their state; tools and image stay",
  )
  .option("--all", `remove the whole cache folder ${cacheDir}`, false)
  .action(async ({ all }: { all: boolean }) => {
    for (const gone of await cleanLab(all)) console.log(`removed ${gone}`);
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof SealiftError ? error.problems.map(formatProblem).join("\n") : error);
  process.exitCode = 1;
}
