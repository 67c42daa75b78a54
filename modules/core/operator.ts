/** Checks of the operator's machine, before a site is read. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import type { Problem } from "./errors.ts";
import { executable } from "./executable.ts";
import { installationProblems } from "./installed-packages.ts";

/** npm's `latest` of @pulumi/command is an old build without CopyToRemote; this is the current release. */
export const commandVersion = "1.2.1";

const plugin = "pulumi-resource-command";

export function operatorProblems(env: NodeJS.ProcessEnv): readonly Problem[] {
  return [
    ...installationProblems(process.cwd()),
    ...packageProblems(installedCommandVersion()),
    ...ambientProblems(env),
    ...agentProblems(env),
  ];
}

/** @param version of the installed npm package, undefined when it is not installed. */
export function packageProblems(version: string | undefined): readonly Problem[] {
  if (version === commandVersion) return [];
  return [
    {
      where: "node_modules",
      code: "E_PLUGIN_VERSION",
      subject: "@pulumi/command",
      found: version ?? "nothing",
      expected: commandVersion,
      fix: "run npm ci",
    },
  ];
}

/** Pulumi uses a plugin in PATH whatever its version is. */
export function ambientProblems(env: NodeJS.ProcessEnv): readonly Problem[] {
  if (env["PULUMI_IGNORE_AMBIENT_PLUGINS"] === "true") return [];
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => executable(join(folder, plugin)));
  return folders.map((folder) => ({
    where: join(folder, plugin),
    code: "E_PLUGIN_VERSION",
    subject: plugin,
    found: "a plugin of unknown version in PATH",
    expected: `version ${commandVersion} from Pulumi's own plugin folder`,
    fix: "set PULUMI_IGNORE_AMBIENT_PLUGINS=true, or remove the plugin from PATH",
  }));
}

/** Without an agent, Pulumi's state would contain the private key. */
export function agentProblems(env: NodeJS.ProcessEnv): readonly Problem[] {
  if (env["SSH_AUTH_SOCK"] !== undefined && env["SSH_AUTH_SOCK"] !== "") return [];
  return [
    {
      where: "environment",
      code: "E_AGENT",
      subject: "SSH_AUTH_SOCK",
      found: "nothing",
      expected: "an ssh-agent with the key of the SSH user",
      fix: 'run eval "$(ssh-agent)" and ssh-add <key>',
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
