/**
 * The parser of Compose files is the compose plugin of the docker command, a program of the operator (2.20 or later): Sealift has none of
 * its own. Nothing is interpolated, started, or requested from a network.
 */
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Problem, SealiftError } from "../../modules/core/errors.ts";
import { type ProgramResult, runProgram } from "../../modules/core/process.ts";
import { isRecord, jsonOf } from "../io/json.ts";

/** The Compose file as the plugin understands it; nothing of its values is checked yet. */
export type ComposeModel = Readonly<Record<string, unknown>>;

/**
 * @param folder of the project.
 * @param file name of the Compose file in it.
 * @param home an empty folder, in which `~` lies.
 * @returns the model, or the plugin's own message about a file that it refuses.
 * @throws {SealiftError} E_TOOL without the plugin.
 */
export async function composeModel(
  name: string,
  folder: string,
  file: string,
  home: string,
): Promise<ComposeModel | string> {
  await mkdir(home, { recursive: true });
  const env = environment(home);
  const [program, ...first] = await installedPlugin(env);
  const options = [`--project-name=${name}`, `--file=${join(folder, file)}`, `--project-directory=${folder}`];
  const { exitCode, stdout, stderr } = await runProgram(
    program,
    [...first, ...options, "config", "--format=json", "--no-interpolate"],
    { directory: folder, env, timeoutMs },
  );
  const model = exitCode === 0 ? jsonOf(stdout) : undefined;
  if (isRecord(model)) return model;
  return stderr.split("\n").at(-1)?.replaceAll(`${folder}/`, "") || `exit code ${exitCode}`;
}

const timeoutMs = 60_000;

/** No variable of the operator reaches the project. Compose would fetch what a project includes from registries and git. */
function environment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: home,
    DOCKER_CONFIG: process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"),
    COMPOSE_DISABLE_ENV_FILE: "1",
    COMPOSE_EXPERIMENTAL_GIT_REMOTE: "false",
    COMPOSE_EXPERIMENTAL_OCI_REMOTE: "false",
  };
}

type Command = readonly [program: string, ...first: string[]];
const plugins: readonly Command[] = [["docker", "compose"], ["docker-compose"]];

/** @throws {SealiftError} E_TOOL */
async function installedPlugin(env: NodeJS.ProcessEnv): Promise<Command> {
  const answers: string[] = [];
  for (const command of plugins) {
    const [program, ...first] = command;
    const answer = await runProgram(program, [...first, "version", "--short"], { env, timeoutMs }).catch(
      (error: unknown): Pick<ProgramResult, "exitCode" | "stdout" | "stderr"> => ({
        exitCode: 1,
        stdout: Buffer.from(""),
        stderr: error instanceof Error ? error.message : String(error),
      }),
    );
    // Version 1, written in Python, has another parser.
    if (answer.exitCode === 0 && /^v?([2-9]|[1-9]\d)\./.test(answer.stdout.toString().trim())) return command;
    answers.push(
      `${command.join(" ")}: ${(answer.stderr || answer.stdout.toString().trim()).split("\n")[0] ?? ""}`,
    );
  }
  throw new SealiftError([missing(answers.join("; "))]);
}

function missing(found: string): Problem {
  return {
    where: "this machine",
    code: "E_TOOL",
    subject: "docker compose",
    found,
    expected:
      "the compose plugin of the docker command, version 2 or later: it reads the Compose files of apps:",
    fix: "install the package docker-compose-plugin, or put the program docker-compose of github.com/docker/compose on the PATH; no engine is needed",
  };
}
