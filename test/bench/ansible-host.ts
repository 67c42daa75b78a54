/** A host in the hands of Ansible: the facts of test/bench/ansible/host.yaml, with what they are about taken from Sealift's own host. */
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Archive } from "../../modules/core/host/blob.ts";
import { cachePath } from "../lab/cache.ts";
import type { Guest } from "../lab/guest.ts";
import { ansiblePlays, type AnsibleHosts } from "./ansible-plays.ts";

/** What Sealift writes on a host whose text the playbook takes from there. */
export const writtenFiles = [
  "/etc/containerd/config.toml",
  "/etc/docker/daemon.json",
  "/etc/systemd/system/containerd.service",
  "/etc/systemd/system/containerd.service.d/sealift.conf",
  "/etc/systemd/system/docker.service",
  "/etc/systemd/system/docker.service.d/sealift.conf",
  "/etc/systemd/system/docker.socket",
] as const;

export interface AnsibleOptions {
  readonly archive: Archive;
  /** The public key that lets the user in. */
  readonly key: string;
  /** The text of each of {@link writtenFiles}. */
  readonly written: ReadonlyMap<string, string>;
  /** How many hosts are worked on at a time. */
  readonly forks: number;
  /** How many hosts before how many: Ansible's `serial`. Default: all at once. */
  readonly waves?: readonly (number | string)[];
}

export async function ansibleHosts(
  guests: readonly Guest[],
  { archive, key, written, forks, waves = ["100%"] }: AnsibleOptions,
): Promise<AnsibleHosts> {
  await mkdir(cachePath("tmp"), { recursive: true });
  const folder = await mkdtemp(cachePath("tmp", "ansible-"));
  const files = join(folder, "files");
  for (const [path, text] of written) {
    await mkdir(join(files, dirname(path)), { recursive: true });
    await writeFile(join(files, path), text);
  }
  const names = archive.members.map(({ path }) => basename(path));
  const vars = {
    engine: archive.version,
    archive: archive.path,
    archive_sha256: archive.sha256,
    programs: archive.members.map(({ path, sha256 }) => `${sha256}  ${basename(path)}\n`).join(""),
    members: names.toSorted().join("\n"),
    key,
    files,
    waves,
  };
  const playbook = join(import.meta.dirname, "ansible", "host.yaml");
  return ansiblePlays(guests, { playbook, vars, forks, folder });
}
