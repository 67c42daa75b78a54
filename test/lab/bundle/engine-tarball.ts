/** An engine tarball in the shape of Docker's own: `docker/dockerd`, `docker/docker`, … */
import { createWriteStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { digestOf } from "../../../offline-bundle/io/digest.ts";
import { writeTgz } from "../../support/fixtures/tgz.ts";

/** What Docker's static tarball of Engine 28 and 29 holds. */
export const programs = [
  "containerd",
  "containerd-shim-runc-v2",
  "ctr",
  "docker",
  "docker-init",
  "docker-proxy",
  "dockerd",
  "runc",
] as const;
export type Program = (typeof programs)[number];

/** Packs the programs, found at these paths; the same files give the same bytes. */
export async function packEngine(paths: Readonly<Record<Program, string>>, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const files = await Promise.all(
    programs.map(async (program) => {
      const file = paths[program];
      return { path: `docker/${program}`, file, bytes: (await digestOf(file)).bytes };
    }),
  );
  await writeTgz([{ path: "docker/", directory: true }, ...files], createWriteStream(`${target}.part`));
  await rename(`${target}.part`, target);
}
