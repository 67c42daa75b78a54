/** The options of every command that speaks to a registry. */
import { type Command } from "commander";
import { text } from "node:stream/consumers";
import type { RegistryAccess } from "../../offline-bundle/registry.ts";

export interface RegistryFlags {
  readonly caFile?: string;
  readonly plainHttp?: true;
  readonly username?: string;
  readonly passwordStdin?: true;
}

export function withRegistryOptions(command: Command): Command {
  return command
    .option("--ca-file <path>", "certificates to trust besides those of the system")
    .option("--plain-http", "without TLS; only to a registry on this machine")
    .option("--username <name>", "who asks; without it, as docker login has left it (DOCKER_CONFIG)")
    .option("--password-stdin", "read the password from standard input");
}

/** Ends the command with a word about its options when they do not fit together. */
export async function registryAccess(flags: RegistryFlags, command: Command): Promise<RegistryAccess> {
  const { caFile, plainHttp, username, passwordStdin } = flags;
  if ((username === undefined) !== (passwordStdin === undefined))
    command.error("error: --username and --password-stdin go together");
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
