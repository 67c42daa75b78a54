/** Engines repacked from Debian's packages. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Report } from "../../support/process/stages.ts";
import { cachePath } from "../cache.ts";
import { takeOut } from "../packages/deb-files.ts";
import type { ChosenEngine } from "./engine.ts";
import { packEngine, type Program } from "./engine-tarball.ts";
import { type Deb, downloadDebs } from "../packages/packages.ts";

/** trixie is the guest's own suite. Programs of sid need a C library of at least 2.38, which trixie has. */
export type Suite = "trixie" | "sid";

/** Name in Docker's tarball -> package and path in Debian. */
const sources: Readonly<Record<Exclude<Program, "docker-init">, readonly [string, string]>> = {
  containerd: ["containerd", "usr/bin/containerd"],
  "containerd-shim-runc-v2": ["containerd", "usr/bin/containerd-shim-runc-v2"],
  ctr: ["containerd", "usr/bin/ctr"],
  docker: ["docker-cli", "usr/bin/docker"],
  "docker-proxy": ["docker.io", "usr/sbin/docker-proxy"],
  dockerd: ["docker.io", "usr/sbin/dockerd"],
  runc: ["runc", "usr/sbin/runc"],
};

/** Static in trixie; later Debian has the static one in a package of its own. */
const initSource = ["tini", "usr/bin/tini-static"] as const;
/** Where the busybox of the scratch image comes from. */
const busyboxSource = ["busybox-static", "usr/bin/busybox"] as const;

/** The engine of a suite. @throws {E_PACKAGES} @throws {E_DEBIAN_SOURCES} */
export async function debianEngine(suite: Suite, report: Report): Promise<ChosenEngine> {
  const debs = await engineDebs(suite, report);
  const version = upstream(debs.find(({ name }) => name === "docker.io"));
  const origin = "repacked from Debian packages";
  return {
    engine: { origin, version, sha256: debs.map(({ sha256 }) => sha256) },
    pack: (target) => repack(debs, target, report),
  };
}

/** The packages that {@link takePrograms} takes its files from. */
export async function engineDebs(suite: Suite, report: Report): Promise<readonly Deb[]> {
  const names = [...new Set(Object.values(sources).map(([name]) => name))];
  const base = await baseDebs(report);
  if (suite === "trixie") return base.filter(({ name }) => name !== busyboxSource[0]);
  const debs = await downloadDebs(names, suite, cachePath("debs", suite), report);
  return [...debs, ...base.filter(({ name }) => name === initSource[0])];
}

/** Writes the named programs of the packages into a folder. */
export async function takePrograms(
  debs: readonly Deb[],
  programs: readonly Program[],
  folder: string,
): Promise<void> {
  const from = { ...sources, "docker-init": initSource };
  for (const deb of debs) {
    const files = programs.filter((program) => from[program][0] === deb.name);
    const places = files.map((program): [string, string] => [from[program][1], join(folder, program)]);
    if (places.length > 0) await takeOut(deb.path, new Map(places));
  }
}

/** A static busybox of trixie. */
export async function takeBusybox(target: string, report: Report): Promise<void> {
  const [name, path] = busyboxSource;
  const deb = (await baseDebs(report)).find((one) => one.name === name);
  if (deb === undefined) throw new Error(`apt gave no ${name}`);
  await takeOut(deb.path, new Map([[path, target]]));
}

/** Everything that is ever taken from trixie except the plugins, so that one check of the network is enough. */
async function baseDebs(report: Report): Promise<readonly Deb[]> {
  const names = [...new Set([...Object.values(sources), initSource, busyboxSource].map(([name]) => name))];
  return downloadDebs(names, "trixie", cachePath("debs"), report);
}

async function repack(debs: readonly Deb[], target: string, report: Report): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(join(dirname(target), "engine-"));
  try {
    const expected = [...(Object.keys(sources) as Program[]), "docker-init" as const];
    report(`unpacking ${debs.map(({ name, version }) => `${name} ${version}`).join(", ")}`);
    await takePrograms(debs, expected, work);
    report("packing the engine");
    const paths = Object.fromEntries(expected.map((program) => [program, join(work, program)]));
    await packEngine(paths as Record<Program, string>, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Upstream's part of Debian's version: `26.1.5` of `26.1.5+dfsg1-9`. */
function upstream(deb: Deb | undefined): string {
  const version = deb?.version ?? "";
  return /^\d+(\.\d+)*/.exec(version)?.[0] ?? version;
}
