/** The operator's own machine: what has to be right here before a site is even read. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import type { Problem } from "./errors.ts";
import { executable } from "./executable.ts";

/** npm's `latest` of @pulumi/command is an old build without CopyToRemote; this is the real line. */
export const commandVersion = "1.2.1";

const plugin = "pulumi-resource-command";

export function operatorProblems(env: NodeJS.ProcessEnv): readonly Problem[] {
  return [...packageProblems(installedCommandVersion()), ...ambientProblems(env), ...agentProblems(env)];
}

/** @param version of the npm package that is installed, undefined when none is. */
export function packageProblems(version: string | undefined): readonly Problem[] {
  if (version === commandVersion) return [];
  return [
    {
      where: "node_modules",
      code: "E_PLUGIN_VERSION",
      subject: "@pulumi/command",
      got: version ?? "nothing",
      expected: commandVersion,
      todo: "run npm ci in the checkout",
    },
  ];
}

/** Pulumi takes a plugin that it finds on the PATH whatever its version is. */
export function ambientProblems(env: NodeJS.ProcessEnv): readonly Problem[] {
  if (env["PULUMI_IGNORE_AMBIENT_PLUGINS"] === "true") return [];
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => executable(join(folder, plugin)));
  return folders.map((folder) => ({
    where: join(folder, plugin),
    code: "E_PLUGIN_VERSION",
    subject: plugin,
    got: "a plugin of unknown version on the PATH",
    expected: `version ${commandVersion} from Pulumi's own plugin folder`,
    todo: "set PULUMI_IGNORE_AMBIENT_PLUGINS=true, or take it off the PATH",
  }));
}

/** Pulumi's state would hold a key; with an agent it holds none. */
export function agentProblems(env: NodeJS.ProcessEnv): readonly Problem[] {
  if (env["SSH_AUTH_SOCK"] !== undefined && env["SSH_AUTH_SOCK"] !== "") return [];
  return [
    {
      where: "environment",
      code: "E_AGENT",
      subject: "SSH_AUTH_SOCK",
      got: "nothing",
      expected: "an ssh-agent that holds the key of the hosts' login",
      todo: 'run eval "$(ssh-agent)" and ssh-add <key>',
    },
  ];
}

function installedCommandVersion(): string | undefined {
  try {
    const path = createRequire(import.meta.url).resolve("@pulumi/command/package.json");
    return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
  } catch {
    return undefined;
  }
}
