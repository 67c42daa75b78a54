/** The lab's own bundle: small, but made, signed and checked by the very code that makes a real one. */
import { cp, mkdir, realpath, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { stringify } from "yaml";
import { buildBundle } from "../../../offline-bundle/build.ts";
import { inside } from "../../../offline-bundle/oci/layout.ts";
import { writeLock } from "../../../offline-bundle/spec/lock-file.ts";
import { lockBundle } from "../../../offline-bundle/lock.ts";
import { verifyBundle } from "../../../offline-bundle/verify.ts";
import type { Report } from "../../support/process/stages.ts";
import { bundleFolder, type Content, folderOf, readContent, writeContent } from "./bundle-content.ts";
import { cachePath } from "../cache.ts";
import { choosePlugins, type Plugin, pluginFile, type PluginName, takePlugins } from "./cli-plugins.ts";
import { takeBusybox } from "./debian-engine.ts";
import {
  architecture,
  type ChosenEngine,
  chooseEngines,
  type Engine,
  type EngineChoice,
  platform,
} from "./engine.ts";
import { appImages, type AppImages } from "../images/app-images.ts";
import { labApps, labAppsRecipe, writeLabApps } from "../images/lab-apps.ts";
import { imageKinds, writeImageKinds } from "./image-kinds.ts";
import { withLock } from "../lock.ts";
import { writeScratchImage } from "./scratch-image.ts";
import { ensureSigningKey, type SigningKey } from "./signing-key.ts";
import { binDir } from "../tools/places.ts";
import { type PackedTool, packTool, type ToolTarball, toolTarball } from "./tool-tarball.ts";

export interface LabBundle {
  /** Absolute path of the bundle. */
  readonly directory: string;
  /** Absolute path of the file that lists the lab's signing key. */
  readonly allowedSigners: string;
  /** The engine that the lab runs unless a test asks for another one. */
  readonly engineVersion: string;
  readonly origin: Engine["origin"];
  /** All engines in it, {@link engineVersion} among them. */
  readonly engines: readonly Pick<Engine, "version" | "origin">[];
  /** Versions of the docker command's plugins, the newest of each; with one engine only, there are none. */
  readonly plugins: Readonly<Partial<Record<PluginName, string>>>;
  /** Version of trixie's Compose, beside the newer one. */
  readonly olderCompose?: string;
  /** Version of age, where there are plugins. */
  readonly age?: string;
  /** Versions of restic and its server, where there is age. */
  readonly restic?: string;
  readonly "rest-server"?: string;
  /** Full name of the one image in it: a static busybox with sh, echo, cat, sleep and others. */
  readonly image: string;
  /** Version of the registry, where there is one in it. */
  readonly registry?: string;
}

/** What hosts get besides engines and plugins. */
const packedTools: Readonly<Record<EngineChoice, readonly PackedTool[]>> = {
  one: [],
  all: ["age", "restic", "rest-server"],
  registry: ["registry"],
  apps: ["registry", "age", "restic", "rest-server"],
};

const image = "docker.io/library/hello:1";
/** The same from another registry than Docker's; beside a registry of the site only. */
export const imageElsewhere = "ghcr.io/team/hello:2";

/**
 * Sees to it that the lab's bundle is there and in order; one with all engines will do for whoever wants one. A second call
 * only verifies it, and needs no network. Runs `oras` from the PATH or SEALIFT_ORAS.
 *
 * @throws {SealiftError} what the bundle's verbs throw; E_PACKAGES and E_DEBIAN_SOURCES of the packages, E_TOOL of a build.
 */
export async function ensureLabBundle(choice: EngineChoice, report: Report): Promise<LabBundle> {
  const key = await ensureSigningKey(cachePath("bundle", "key"));
  const waiting = (): void => {
    report("waiting for another run that makes the bundle");
  };
  return withLock(
    "bundle",
    waiting,
    async () => (await keptBundle(choice, key)) ?? makeBundle(choice, key, report),
  );
}

async function keptBundle(
  choice: EngineChoice,
  { allowedSigners }: SigningKey,
): Promise<LabBundle | undefined> {
  const content = await readContent(choice);
  if (content === undefined || (choice === "all" && content.choice === "one")) return undefined;
  // A tool that is built in another way, or a project that was edited, is another bundle.
  if (String(content.made) !== String(await madeHere(content.choice))) return undefined;
  const work = await folderOf(content);
  const lockFile = join(work, inside.lock);
  return verifyBundle(join(work, "bundle"), { allowedSigners, lockFile }).then(
    () => describe(content, work, allowedSigners),
    () => undefined,
  );
}

async function makeBundle(
  choice: EngineChoice,
  { file: key, allowedSigners }: SigningKey,
  report: Report,
): Promise<LabBundle> {
  const store = cachePath("bundle-files");
  const chosen = await chooseEngines(choice, store, report);
  const plugins = choice === "all" || choice === "apps" ? await choosePlugins(report) : [];
  const apps = choice === "apps" ? await appImages(report) : undefined;
  const tarballs = packedTools[choice].map(toolTarball);
  const content = {
    ...{ choice, engines: chosen.map(({ engine }) => engine), plugins, tools: tarballs },
    made: await madeHere(choice),
    ...(apps === undefined ? {} : { apps: basename(apps.layout) }),
  };
  const work = await folderOf(content);
  await rm(join(bundleFolder(choice), "made"), { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  for (const { engine, pack } of chosen) await pack?.(join(work, tarball(engine)));
  await takePlugins(plugins, work, report);
  report("making the image");
  await takeBusybox(join(work, "busybox"), report);
  await writeScratchImage(join(work, "busybox"), architecture, image, join(work, "image"));
  if (apps !== undefined) {
    await cp(apps.layout, join(work, "app-images"), { recursive: true });
    await writeLabApps(join(work, "apps"));
  }
  for (const one of tarballs) await packTool(one, join(work, one.file));
  if (choice === "registry") {
    await writeScratchImage(
      join(work, "busybox"),
      architecture,
      imageElsewhere,
      join(work, "image-elsewhere"),
    );
    await writeImageKinds(join(work, "image"), architecture, join(work, "image-kinds"));
  }
  const files = { bundleFile: join(work, "bundle.yaml"), lockFile: join(work, inside.lock), store };
  await writeFile(files.bundleFile, bundleYaml(choice, chosen, plugins, tarballs, apps));
  const pins = chosen.flatMap(({ pin }) => pin ?? []);
  if (pins.length > 0)
    await writeLock(files.lockFile, { format: 1, serial: 1, platforms: [platform], files: pins, images: [] });
  report("pinning the bundle");
  await lockBundle({ ...files, report });
  await buildBundle({ ...files, directory: join(work, "bundle"), key, report });
  report("verifying the bundle");
  await verifyBundle(join(work, "bundle"), { allowedSigners, lockFile: files.lockFile });
  await writeContent(content);
  return describe(content, work, allowedSigners);
}

/** Of the lab's own programs and projects that go in: the recipes. */
async function madeHere(choice: EngineChoice): Promise<readonly string[]> {
  const programs = packedTools[choice].map(async (name) =>
    basename(dirname(await realpath(join(binDir, name)))),
  );
  return [...(await Promise.all(programs)), ...(choice === "apps" ? [await labAppsRecipe()] : [])];
}

function describe({ engines, plugins, tools }: Content, work: string, allowedSigners: string): LabBundle {
  const [usual] = engines;
  const [, olderCompose] = plugins.filter(({ name }) => name === "compose");
  if (usual === undefined) throw new Error("a bundle without an engine");
  return {
    directory: join(work, "bundle"),
    allowedSigners,
    engineVersion: usual.version,
    origin: usual.origin,
    engines: engines.map(({ version, origin }) => ({ version, origin })),
    // The last of a name counts.
    plugins: Object.fromEntries(plugins.toReversed().map(({ name, version }) => [name, version])),
    ...(olderCompose === undefined ? {} : { olderCompose: olderCompose.version }),
    ...Object.fromEntries(tools.map(({ name, version }) => [name, version])),
    image,
  };
}

function tarball({ version }: Engine): string {
  return `docker-${version}.tgz`;
}

/** The same kind of file that a team writes. */
function bundleYaml(
  choice: EngineChoice,
  chosen: readonly ChosenEngine[],
  plugins: readonly Plugin[],
  tarballs: readonly ToolTarball[],
  apps: AppImages | undefined,
): string {
  const common = { licence: "Apache-2.0" };
  return stringify({
    platforms: [platform],
    // Nobody attests what the lab packs itself.
    minOrigin: "unverified",
    files: [
      ...chosen.map(({ engine, pin }) => ({
        ...common,
        name: "docker",
        kind: "engine",
        versions: [engine.version],
        url: pin?.url ?? `file:${tarball(engine)}`,
      })),
      ...plugins.map((plugin) => ({
        ...common,
        name: plugin.name,
        kind: "binary",
        versions: [plugin.version],
        url: `file:${pluginFile(plugin)}`,
      })),
      ...tarballs.map(({ name, version, licence, file }) => ({
        ...{ name, kind: "archive", versions: [version], licence, url: `file:${file}` },
      })),
    ],
    ...(apps === undefined
      ? {}
      : {
          apps: labApps.map((app) => ({
            ...common,
            ...app,
            compose: `apps/${app.name}/{version}/compose.yaml`,
          })),
        }),
    images: [
      { name: image, from: "file:image" },
      ...(apps?.names ?? []).map((name) => ({ name, from: "file:app-images" })),
      ...(choice !== "registry"
        ? []
        : [
            { name: imageElsewhere, from: "file:image-elsewhere" },
            ...imageKinds.map(({ name }) => ({ name, from: "file:image-kinds" })),
          ]),
    ],
  });
}
