/** An engine in a guest, put there by the library's own functions, without Pulumi in between: about 40 s under emulation. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type Archive, uploadPath } from "../../../modules/core/host/blob.ts";
import type { ContainerLimitsSpec, DaemonSpec } from "../../../modules/core/site/site-spec.ts";
import { daemonPhase } from "../../../modules/daemon/index.ts";
import { engineSteps } from "../../../modules/engine/steps.ts";
import { verifyBundle } from "../../../offline-bundle/verify.ts";
import { openFilesOf } from "../../lab/container/open-files.ts";
import { restartGuest } from "../../lab/guest.ts";
import { imageArchive } from "../../lab/bundle/image-archive.ts";
import { container, type MachineNeed } from "../../lab/machine-choice.ts";
import { prepareLab, type Lab } from "../../lab/prepare.ts";
import { exampleHost } from "../fixtures/example-host.ts";
import { copyOfTemplate } from "./guest-template.ts";
import { shellOn, startFunctions, type ShellFunctions } from "./shell-functions.ts";

export interface EngineInGuest {
  readonly on: ShellFunctions;
  readonly lab: Lab;
  readonly archive: Archive;
  /** The steps of the daemon phase for these entries of daemon.json, beside the ones that every host of a test has. */
  readonly daemon: (
    entries?: Readonly<Record<string, unknown>>,
    containerLimits?: ContainerLimitsSpec,
  ) => ReturnType<typeof daemonPhase>["steps"];
  /** `docker <words>` as root; it has to end with 0. */
  readonly docker: (words: string) => Promise<string>;
  readonly end: () => Promise<void>;
}

/** Where the data disk is mounted, which is the data-root as well. */
export const dataRoot = "/docker";

/**
 * A guest with an engine installed, containerd running and the data-root on a disk of its own; dockerd not started.
 *
 * @param series of the engine, such as `28.5`; by default the lab's first one.
 */
export async function startEngine(
  name: string,
  machine = container(),
  series?: string,
): Promise<EngineInGuest> {
  const lab = await prepareLab(series === undefined ? "one" : "all");
  const { engines, engineVersion, directory, allowedSigners } = lab.bundle;
  const { architecture } = exampleHost();
  const version =
    series === undefined ? engineVersion : engines.find((one) => one.version.startsWith(series))?.version;
  const archive = (await verifyBundle(directory, { allowedSigners })).engine(version ?? "", architecture);
  assert.ok(archive !== undefined);
  const own = archive.version === engineVersion ? "" : `-${archive.version.replaceAll(".", "")}`;
  const template = `template-engine${own}-${machine.kind}`;
  await copyOfTemplate(template, () => install(archive, template, machine), name);
  const on = await shellOn(await restartGuest(name, template));
  return {
    on,
    lab,
    archive,
    daemon: (entries = {}, containerLimits) => {
      const host = exampleHost();
      const daemon: DaemonSpec = {
        ...host.daemon,
        ...openFilesOf(on.guest),
        "data-root": dataRoot,
        ...entries,
      };
      return daemonPhase({
        ...host,
        daemon,
        engine: { version: archive.version },
        ...(containerLimits === undefined ? {} : { containerLimits }),
        // What dockerd believes is in trust.test.ts.
      }).steps.filter(({ code }) => code !== "daemon.token-ca");
    },
    docker: (words) => on.root(`docker ${words}`),
    end: () => on.end(),
  };
}

async function install(archive: Archive, template: string, machine: MachineNeed): Promise<void> {
  const on = await startFunctions(template, { ...machine, mounts: [dataRoot] });
  await on.root("groupadd -r docker");
  const arrives = uploadPath(archive.sha256);
  await on.guest.exec(`mkdir -p ${arrives.slice(0, arrives.lastIndexOf("/"))} && cat >${arrives}`, {
    input: await readFile(archive.path),
  });
  const files = { archive, plugins: [] };
  const { revision, text } = await on.run(
    "apply",
    engineSteps({ files, dataRoot, imageStore: "classic", users: [] }),
  );
  assert.ok(revision, text);
  await on.guest.save(template);
  await on.guest.stop();
}

/** The bundle's image, loaded into a daemon that runs. */
export async function loadImage({ on, lab }: EngineInGuest): Promise<string> {
  const { exitCode, stderr } = await on.guest.exec("sudo -n docker load", {
    input: await imageArchive(lab.bundle),
  });
  assert.equal(exitCode, 0, stderr);
  return lab.bundle.image;
}
