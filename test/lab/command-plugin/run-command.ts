/** Runs one command on the host and collects what it says. */
import { dial } from "./connection.ts";
import { goQuote } from "./go-quote.ts";
import { lineFeed } from "./line-feed.ts";
import { isObject, open, type Properties } from "./properties.ts";
import type { Operation } from "./resource.ts";
import { whenAborted } from "./when-aborted.ts";
import { openSession, type Exit, type Session } from "./session.ts";

export interface Outputs {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param previous what the last run said; goes into the environment unless addPreviousOutputInEnv is false
 * @throws {Error} `<how it ended>: running "<command>":` and all it said, in the words of the official plugin
 */
export async function runCommand(operation: Operation, command: string, previous: Outputs): Promise<Outputs> {
  const { urn, signal, log } = operation;
  const inputs = open(operation.inputs);
  if (!isObject(inputs)) throw new Error("the inputs are not known");
  const report = (line: string): void => {
    log.status(urn, line);
  };
  const connection = await dial(inputs["connection"] ?? null, signal, report);
  try {
    whenAborted(signal, connection.end);
    const session = await openSession(connection.client);
    await setEnvironment(session, inputs, previous, operation);
    return await run(session, inputs, command, report);
  } finally {
    connection.end();
    await log.flush();
  }
}

async function run(
  session: Session,
  inputs: Properties,
  command: string,
  report: (line: string) => void,
): Promise<Outputs> {
  const output: Record<"stdout" | "stderr" | "both", Buffer[]> = { stdout: [], stderr: [], both: [] };
  const logging = inputs["logging"] ?? "stdoutAndStderr";
  const lines = lineFeed(report);
  const stdin = typeof inputs["stdin"] === "string" ? inputs["stdin"] : "";
  const exit = await session.run(command, stdin, (stream, chunk) => {
    output[stream].push(chunk);
    output.both.push(chunk);
    if (logging === stream || logging === "stdoutAndStderr") lines.add(chunk);
  });
  lines.end();
  const failure = describe(exit);
  if (failure !== undefined)
    throw new Error(`${failure}: running ${goQuote(command)}:\n${text(output.both)}`);
  return { stdout: text(output.stdout).replace(/\n$/, ""), stderr: text(output.stderr).replace(/\n$/, "") };
}

/** A variable that the server refuses is an error; for the last run's output it is a warning. */
async function setEnvironment(
  session: Session,
  inputs: Properties,
  previous: Outputs,
  { urn, log }: Operation,
): Promise<void> {
  const refusal = (name: string): string =>
    `Unable to set '${name}'. This only works if your SSH server is configured to accept these variables via AcceptEnv.`;
  const environment = isObject(inputs["environment"]) ? inputs["environment"] : {};
  for (const [name, value] of Object.entries(environment)) {
    await session.setEnv(name, typeof value === "string" ? value : "").catch((error: unknown) => {
      log.error(urn, refusal(name));
      throw new Error(
        `could not set environment variable ${goQuote(name)}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    });
  }
  if (inputs["addPreviousOutputInEnv"] === false) return;
  const outputs = { PULUMI_COMMAND_STDOUT: previous.stdout, PULUMI_COMMAND_STDERR: previous.stderr };
  for (const [name, value] of Object.entries(outputs))
    if (value !== "")
      await session.setEnv(name, value).catch(() => {
        log.warn(urn, refusal(name));
      });
}

/** golang.org/x/crypto/ssh's words for how a command failed; undefined when it did not. */
function describe({ status, signal, stdinSent }: Exit): string | undefined {
  if (signal !== undefined)
    return `Process exited with status ${128 + (numbers[signal] ?? 0)} from signal ${signal}`;
  if (status === undefined) return "wait: remote command exited without exit status or exit signal";
  if (status !== 0) return `Process exited with status ${status}`;
  return stdinSent ? undefined : "EOF";
}

/** The signals of RFC 4254, section 6.10, as POSIX numbers them. */
const numbers: Readonly<Record<string, number>> = {
  ABRT: 6,
  ALRM: 14,
  FPE: 8,
  HUP: 1,
  ILL: 4,
  INT: 2,
  KILL: 9,
  PIPE: 13,
  QUIT: 3,
  SEGV: 11,
  TERM: 15,
};

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString("utf8");
}
