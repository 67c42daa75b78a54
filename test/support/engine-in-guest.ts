/** An engine in a guest, put there by the library's own functions, without Pulumi in between: about 40 s under emulation. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Archive } from "../../modules/core/blob.ts";
import { arrivalPath } from "../../modules/core/blob.ts";
import type { ContainerLimitsSpec, DaemonSpec } from "../../modules/core/site.ts";
import { daemonPhase } from "../../modules/daemon/index.ts";
import { engineSteps } from "../../modules/engine/steps.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import type { GuestOptions } from "../lab/guest.ts";
import { imageArchive } from "../lab/hello.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { exampleHost } from "./example-host.ts";
import { startFunctions, type ShellFunctions } from "./shell-functions.ts";

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

export interface EngineOptions extends Partial<GuestOptions> {
  /** Where the data disk is mounted, which is the data-root as well. Default /docker. */
  readonly dataRoot?: string;
}

/** A guest with the lab's engine installed, containerd running and the data-root on a disk of its own; dockerd not started. */
export async function startEngine(name: string, options: EngineOptions = {}): Promise<EngineInGuest> {
  const { dataRoot = "/docker", ...guestOptions } = options;
  const lab = await prepareLab();
  const { engine, architecture } = {
    engine: lab.bundle.engineVersion,
    architecture: exampleHost().architecture,
  };
  const { directory, allowedSigners } = lab.bundle;
  const archive = (await verifyBundle(directory, { allowedSigners })).engine(engine, architecture);
  assert.ok(archive !== undefined);
  const on = await startFunctions(name, guestOptions);
  const installed = await install(on, archive, dataRoot);
  assert.deepEqual(
    installed.filter(({ status }) => status === "failed"),
    [],
  );
  return {
    on,
    lab,
    archive,
    daemon: (entries = {}, containerLimits) => {
      const host = exampleHost();
      const daemon: DaemonSpec = { ...host.daemon, "data-root": dataRoot, ...entries };
      return daemonPhase({
        ...host,
        daemon,
        engine: { version: archive.version },
        ...(containerLimits === undefined ? {} : { containerLimits }),
      }).steps;
    },
    docker: (words) => on.root(`docker ${words}`),
    end: () => on.end(),
  };
}

async function install(
  on: ShellFunctions,
  archive: Archive,
  dataRoot: string,
): Promise<Awaited<ReturnType<ShellFunctions["run"]>>["steps"]> {
  await on.root(
    `mkfs.xfs -q /dev/vdb && mkdir -p ${dataRoot} && mount /dev/vdb ${dataRoot} && groupadd -r docker`,
  );
  const arrives = arrivalPath(archive.sha256);
  await on.guest.exec(`mkdir -p ${arrives.slice(0, arrives.lastIndexOf("/"))} && cat >${arrives}`, {
    input: await readFile(archive.path),
  });
  return (
    await on.run("apply", engineSteps({ files: { archive, plugins: [] }, dataRoot, imageStore: "classic" }))
  ).steps;
}

/** The bundle's image, loaded into a daemon that runs. */
export async function loadImage({ on, lab }: EngineInGuest): Promise<string> {
  const { exitCode, stderr } = await on.guest.exec("sudo -n docker load", {
    input: await imageArchive(lab.bundle),
  });
  assert.equal(exitCode, 0, stderr);
  return lab.bundle.image;
}
