/** An engine tarball in the shape of Docker's own, repacked from Debian's packages. */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { digestOf } from "../../offline-bundle/digest.ts";
import type { Report } from "../support/stages.ts";
import { writeTgz } from "../support/tgz.ts";
import { type Deb, downloadDebs } from "./packages.ts";

/** Debian's suite whose engine is repacked: the guest's own, because Debian links its binaries dynamically. */
const suite = "trixie";

/** Name in Docker's tarball -> package and path in Debian. */
const sources: Readonly<Record<string, readonly [string, string]>> = {
  containerd: ["containerd", "usr/bin/containerd"],
  "containerd-shim-runc-v2": ["containerd", "usr/bin/containerd-shim-runc-v2"],
  ctr: ["containerd", "usr/bin/ctr"],
  docker: ["docker-cli", "usr/bin/docker"],
  "docker-init": ["tini", "usr/bin/tini-static"],
  "docker-proxy": ["docker.io", "usr/sbin/docker-proxy"],
  dockerd: ["docker.io", "usr/sbin/dockerd"],
  runc: ["runc", "usr/sbin/runc"],
};

/** Where the busybox of the scratch image comes from. */
const busyboxSource = ["busybox-static", "usr/bin/busybox"] as const;

/** Downloads the packages, that of {@link takeBusybox} among them. @throws {E_PACKAGES} @throws {E_DEBIAN_SOURCES} */
export async function downloadEngineDebs(directory: string, report: Report): Promise<readonly Deb[]> {
  const names = [...new Set([...Object.values(sources), busyboxSource].map(([name]) => name))];
  return downloadDebs(names, suite, directory, report);
}

/** Upstream's part of Debian's version: `26.1.5` of `26.1.5+dfsg1-9`. */
export function engineVersion(debs: readonly Deb[]): string {
  const version = debs.find(({ name }) => name === "docker.io")?.version ?? "";
  return /^\d+(\.\d+)*/.exec(version)?.[0] ?? version;
}

/** Writes `docker/dockerd`, `docker/docker`, … into a .tgz; the same packages give the same bytes. */
export async function repackEngine(debs: readonly Deb[], target: string, report: Report): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(join(dirname(target), "engine-"));
  try {
    for (const deb of debs) {
      if (deb.name === busyboxSource[0]) continue;
      report(`unpacking ${deb.name} ${deb.version}`);
      const wanted = Object.entries(sources).filter(([, [name]]) => name === deb.name);
      await takeOut(deb.path, new Map(wanted.map(([binary, [, path]]) => [path, join(work, binary)])));
    }
    report("packing the engine");
    const files = await Promise.all(
      Object.keys(sources).map(async (binary) => {
        const file = join(work, binary);
        return { path: `docker/${binary}`, file, bytes: (await digestOf(file)).bytes };
      }),
    );
    await writeTgz([{ path: "docker/", directory: true }, ...files], createWriteStream(`${target}.part`));
    await rename(`${target}.part`, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A static busybox of the same suite. */
export async function takeBusybox(directory: string, target: string, report: Report): Promise<void> {
  const [name, path] = busyboxSource;
  const [deb] = await downloadDebs([name], suite, directory, report);
  if (deb === undefined) throw new Error(`apt gave no ${name}`);
  await takeOut(deb.path, new Map([[path, target]]));
}

/** Copies files out of a package: path inside -> path outside. @throws when one is not in it. */
async function takeOut(deb: string, wanted: ReadonlyMap<string, string>): Promise<void> {
  const child = spawn("dpkg-deb", ["--fsys-tarfile", deb], { stdio: ["ignore", "pipe", "inherit"] });
  const entries = extract();
  const reading = pipeline(child.stdout, entries);
  // Awaited below; the loop ends by itself when the stream fails.
  reading.catch(() => undefined);
  const left = new Set(wanted.keys());
  for await (const entry of entries) {
    const path = entry.header.name.replace(/^\.\//, "");
    const target = wanted.get(path);
    if (target === undefined) {
      entry.resume();
      continue;
    }
    await pipeline(entry, createWriteStream(target, { mode: 0o755 }));
    left.delete(path);
  }
  await reading;
  if (left.size > 0) throw new Error(`${deb} has no ${[...left].join(", ")}`);
}
