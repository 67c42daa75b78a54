/** One stack of the fixture under the real Pulumi CLI, in a folder and a PULUMI_HOME of its own. */
import { execFile } from "node:child_process";
import { chmod, copyFile, cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Sshd } from "../../support/servers/sshd.ts";
import { cachePath, checkout } from "../cache.ts";
import { installStandIn } from "./install.ts";

export interface PulumiStack {
  /** Puts a plugin in place of the one before: a binary, or the stand-in without one. */
  install(binary?: string): Promise<void>;
  /**
   * Runs the CLI on the stack.
   * @param text what the fixture's command says: another word is another input
   * @throws {Error} with all that the CLI printed, when it fails
   */
  run(text: string, ...args: readonly string[]): Promise<string>;
  remove(): Promise<void>;
}

const outputLimitBytes = 64 * 1024 * 1024;

/** @param pulumi the CLI, with its Node language host beside it */
export async function makeStack(pulumi: string, sshd: Sshd): Promise<PulumiStack> {
  await mkdir(cachePath("tmp"), { recursive: true });
  const directory = await mkdtemp(cachePath("tmp", "takeover-"));
  const project = join(directory, "project");
  const home = join(directory, "home");
  await cp(join(import.meta.dirname, "fixture"), project, { recursive: true });
  await symlink(join(checkout, "node_modules"), join(project, "node_modules"));
  await mkdir(join(directory, "backend"));

  const run: PulumiStack["run"] = async (text, ...args) => {
    const env = {
      ...process.env,
      PATH: [dirname(pulumi), dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter),
      PULUMI_HOME: home,
      PULUMI_BACKEND_URL: `file://${join(directory, "backend")}`,
      PULUMI_CONFIG_PASSPHRASE: "takeover",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_REGISTRY_RESOLVE: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
      SSH_AUTH_SOCK: "",
      TAKEOVER_PORT: String(sshd.port),
      TAKEOVER_USER: sshd.user,
      TAKEOVER_KEY: sshd.privateKey,
      TAKEOVER_HOST_KEY: sshd.hostKey,
      TAKEOVER_SAY: text,
    };
    const call = promisify(execFile)(pulumi, [...args, "--non-interactive"], {
      cwd: project,
      env,
      maxBuffer: outputLimitBytes,
    });
    const { stdout } = await call.catch((error: unknown) => {
      const printed = error instanceof Error && "stdout" in error && "stderr" in error;
      const output = printed ? `${String(error.stdout)}${String(error.stderr)}` : String(error);
      throw new Error(`pulumi ${args.join(" ")}:\n${output}`, { cause: error });
    });
    return stdout;
  };

  return {
    run,
    install: async (binary) => {
      await installStandIn(home, process.execPath);
      if (binary === undefined) return;
      const file = join(home, "plugins", "resource-command-v1.2.1", "pulumi-resource-command");
      await rm(file);
      await copyFile(binary, file);
      await chmod(file, 0o755);
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
