/** Rules of where an engine keeps things. */
import type { Problem } from "../errors.ts";
import { mountOf, mountsOf } from "../mounts.ts";
import { shown } from "../shown.ts";
import { list, map, text, type DaemonHost } from "./daemon-host.ts";

export function storageRules(site: DaemonHost): readonly Problem[] {
  return [...dataRoot(site), ...contradiction(site), ...quota(site), ...remap(site)];
}

function dataRoot({ host, tell }: DaemonHost): Problem[] {
  const root = host.daemon["data-root"];
  const mounts = mountsOf(host.volumes);
  if (root === undefined || mounts.length === 0 || mountOf(root, mounts) !== undefined) return [];
  const expected = `a path on a mount of the site (${mounts.map(({ mount }) => mount).join(", ")})`;
  return [tell(["data-root"], "E_VALUE", shown(root), expected, "move it onto the data volume")];
}

/** Naming a driver switches the containerd store off without a word (moby daemon/image_store_choice.go, 29.7.2). */
function contradiction({ file, host, tell }: DaemonHost): Problem[] {
  const own = file.hosts.find(({ name }) => name === host.name)?.daemon;
  const driver = own?.["storage-driver"] ?? file.daemon?.["storage-driver"];
  if (driver === undefined || map(host, "features")["containerd-snapshotter"] !== true) return [];
  return [
    tell(
      ["storage-driver"],
      "E_CONFLICT",
      `${shown(driver)} beside features.containerd-snapshotter: true`,
      "one image store",
      "remove one of the two: storage-driver is the classic store, the feature is containerd's",
    ),
  ];
}

function quota({ host, tell }: DaemonHost): Problem[] {
  const options = list(host, "storage-opts");
  if (options.length === 0) return [];
  const say = (got: string, expected: string, todo: string): Problem =>
    tell(["storage-opts"], "E_CONFLICT", got, expected, todo);
  if (host.imageStore !== "classic") {
    const got = `${shown(options)} with containerd's image store`;
    return [say(got, "the classic image store, the only one with such options", "remove them")];
  }
  const root = host.daemon["data-root"] ?? "";
  const volume = mountOf(root, mountsOf(host.volumes));
  if (volume === undefined) return [];
  const { filesystem = "xfs", mount } = volume;
  // How others have mounted theirs is looked at on the host.
  const accounted = !("name" in volume) || /\bp(rj)?quota\b/.test(JSON.stringify(volume));
  if (filesystem === "xfs" && accounted) return [];
  const got = `${shown(options)} with data-root on ${"name" in volume ? `volume ${volume.name}` : mount} (${filesystem})`;
  return [say(got, "an xfs volume mounted with pquota", "remove it, or mount that volume so")];
}

/** An explicit containerd store beside userns-remap is a start error (moby daemon/command/daemon_linux.go, 29.7.2). */
function remap({ host, tell }: DaemonHost): Problem[] {
  const user = text(host, "userns-remap");
  if (user === undefined || host.imageStore === "classic") return [];
  const expected = "the classic image store: containerd's does not work with remapped users";
  const todo = "write storage-driver: overlay2, or remove userns-remap";
  return [
    tell(["userns-remap"], "E_CONFLICT", `${shown(user)} with containerd's image store`, expected, todo),
  ];
}
