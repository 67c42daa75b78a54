/** A folder in which the real Pulumi CLI works on small programs: its own home, state and passphrase. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { cachePath, checkout } from "../../lab/cache.ts";
import { binDir } from "../../lab/tools/places.ts";
import { runProcess, type ProcessResult } from "../process/run-process.ts";

export interface PulumiFolder {
  readonly directory: string;
  /** For every call; a test may lay more over it. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes a project of one program. @returns its folder. */
  readonly project: (name: string, program: string, folder?: string) => string;
  /** Runs the CLI in a folder; a failure is a value. */
  readonly run: (
    folder: string,
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ) => Promise<ProcessResult>;
  readonly remove: () => Promise<void>;
}

/** The lab's CLI has to be in its cache: `npm test` puts it there. */
export async function makePulumiFolder(): Promise<PulumiFolder> {
  mkdirSync(cachePath("tmp"), { recursive: true });
  const directory = await mkdtemp(cachePath("tmp", "pulumi-"));
  mkdirSync(join(directory, "state"));
  symlinkSync(join(checkout, "node_modules"), join(directory, "node_modules"));
  const passphrase = join(directory, "passphrase");
  writeFileSync(passphrase, "only for this test\n", { mode: 0o600 });
  const env = {
    PATH: [binDir, dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter),
    PULUMI_HOME: join(directory, "home"),
    PULUMI_BACKEND_URL: `file://${join(directory, "state")}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_REGISTRY_RESOLVE: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
  };
  return {
    directory,
    env,
    project: (name, program, folder = join(directory, name)) => {
      mkdirSync(folder, { recursive: true });
      const options = "  name: nodejs\n  options:\n    typescript: false\n";
      writeFileSync(join(folder, "Pulumi.yaml"), `name: ${name}\nmain: .\nruntime:\n${options}`);
      const meta = { name, private: true, type: "module", main: "index.ts" };
      writeFileSync(join(folder, "package.json"), `${JSON.stringify(meta)}\n`);
      writeFileSync(join(folder, "index.ts"), program);
      return folder;
    },
    run: (folder, args, more = {}) =>
      runProcess("pulumi", [...args, "--non-interactive", "--color", "never"], {
        cwd: folder,
        env: { ...env, ...more },
      }),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
