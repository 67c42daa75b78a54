/** The options of every command that connects to a registry. */
import { type Command } from "commander";
import { text } from "node:stream/consumers";
import type { RegistryAccess } from "../../offline-bundle/oci/registry.ts";

export interface RegistryFlags {
  readonly caFile?: string;
  readonly plainHttp?: true;
  readonly username?: string;
  readonly passwordStdin?: true;
}

export function withRegistryOptions(command: Command): Command {
  return command
    .option("--ca-file <path>", "PEM file of CA certificates to trust in addition to those of the system")
    .option("--plain-http", "connect without TLS; only for a registry on this machine")
    .option("--username <name>", "user name (default: credentials of docker login, see DOCKER_CONFIG)")
    .option("--password-stdin", "read the password from standard input");
}

/** Ends the command with a usage error when the options contradict each other. */
export async function registryAccess(flags: RegistryFlags, command: Command): Promise<RegistryAccess> {
  const { caFile, plainHttp, username, passwordStdin } = flags;
  if ((username === undefined) !== (passwordStdin === undefined))
    command.error("error: --username and --password-stdin must be used together");
  const login =
    username === undefined
      ? undefined
      : { username, password: (await text(process.stdin)).replace(/\r?\n$/, "") };
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(plainHttp === undefined ? {} : { plainHttp }),
    ...(login === undefined ? {} : { login }),
  };
}
