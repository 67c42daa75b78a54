/** What a container starts from: its folder with a disk for its root, file systems of its own, and the layers of saved states. */
import { readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { type ContainerRecord, guestFolder, writeRecord } from "../guest-record.ts";
import { root } from "./root-command.ts";

/** Sizes of what it changes of its root, and of each file system of its own; the files are sparse. */
const rootGiB = 4;
const mountGiB = 8;

/** Its folder, with empty file systems. @returns the record of a container that is about to start. */
export async function pristine(
  name: string,
  mounts: readonly string[],
  golden: string,
): Promise<ContainerRecord> {
  const folder = guestFolder(name);
  await root("rm", "-rf", "--one-file-system", folder);
  await mkdir(folder, { recursive: true });
  await makeRoot(folder);
  for (const [index] of mounts.entries()) await makeMount(join(folder, mountImage(index)));
  return { kind: "container", name, pid: 0, port: await freePort(), golden, states: [], mounts, layers: [] };
}

/** Its folder as it was when this state was saved. */
export async function restored(before: ContainerRecord, state: string): Promise<ContainerRecord> {
  const folder = guestFolder(before.name);
  const saved = join(folder, "states", state);
  await makeRoot(folder);
  for (const [index] of before.mounts.entries()) await copyImage(join(saved, mountImage(index)), folder);
  return { ...before, layers: readLayers(saved) };
}

/** What the container has changed becomes a layer that stays, under a name that no other state has; its file systems are copied. */
export async function saveLayer(record: ContainerRecord, state: string): Promise<ContainerRecord> {
  const folder = guestFolder(record.name);
  const target = join(folder, "states", state);
  const layer = join(folder, `layer-${record.layers.length}-${state}.img`);
  await mkdir(target, { recursive: true });
  await root("mv", join(folder, "root.img"), layer);
  await makeRoot(folder);
  const layers = [layer, ...record.layers];
  writeFileSync(join(target, "layers"), layers.map((one) => `${one}\n`).join(""));
  for (const [index] of record.mounts.entries()) await copyImage(join(folder, mountImage(index)), target);
  const saved = { ...record, layers, states: [...new Set([...record.states, state])] };
  writeRecord(saved);
  return saved;
}

/**
 * The state of one container as the start of another of this name: nothing of its root is copied, so that the first has to stay
 * as long as the other.
 */
export async function copyContainerState(from: ContainerRecord, state: string, name: string): Promise<void> {
  const source = join(guestFolder(from.name), "states", state);
  const target = join(guestFolder(name), "states", state);
  await mkdir(target, { recursive: true });
  await root("cp", join(source, "layers"), target);
  for (const [index] of from.mounts.entries()) await copyImage(join(source, mountImage(index)), target);
  writeRecord({ ...from, name, pid: 0, port: await freePort(), states: [state] });
}

/** With a journal, which the next start replays after a power cut. */
async function makeRoot(folder: string): Promise<void> {
  const file = join(folder, "root.img");
  await root("rm", "-f", file);
  await root("truncate", "-s", `${rootGiB}G`, file);
  await root("mkfs.ext4", "-q", "-E", "lazy_itable_init=1,lazy_journal_init=1", file);
}

async function makeMount(file: string): Promise<void> {
  await root("truncate", "-s", `${mountGiB}G`, file);
  await root("mkfs.xfs", "-q", file);
}

async function copyImage(file: string, folder: string): Promise<void> {
  await root("cp", "--sparse=always", "--reflink=auto", file, folder);
}

function mountImage(index: number): string {
  return `mount${index}.img`;
}

function readLayers(state: string): string[] {
  return readFileSync(join(state, "layers"), "utf8").split("\n").filter(Boolean);
}
