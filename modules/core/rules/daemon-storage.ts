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
  if (map(host, "features")["containerd-migration"] === true && host.imageStore === "classic") {
    // Taken by the daemon, which then changes the store of an empty host behind storage-driver (NewDaemon, daemon/daemon.go).
    const expected =
      "containerd's image store beside it: the engine would leave the classic one when the host is empty";
    const todo = "write features.containerd-snapshotter: true, or remove containerd-migration";
    return [
      tell(
        ["features", "containerd-migration"],
        "E_CONFLICT",
        "true with the classic image store",
        expected,
        todo,
      ),
    ];
  }
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
  if (filesystem === "xfs" && !("name" in volume)) return [];
  const got = `${shown(options)} with data-root on ${"name" in volume ? `volume ${volume.name}` : mount} (${filesystem})`;
  const expected =
    "data-root on a mount of volumes.existing that is xfs and mounted with pquota; volumes that Sealift makes have no quotas";
  return [say(got, expected, "remove storage-opts, or name such a mount in volumes.existing")];
}

/** An explicit containerd store beside userns-remap is a start error (moby daemon/command/daemon_linux.go, 29.7.2). */
function remap({ host, tell }: DaemonHost): Problem[] {
  const user = text(host, "userns-remap");
  if (user === undefined) return [];
  if (/^(root|0+)(:|$)/.test(user)) {
    // Taken by the daemon, which then only warns (setupRemappedRoot, daemon/daemon_unix.go of moby 26.1 to 29.7.2).
    const expected = "another user than root: the engine would map nobody and only warn";
    return [
      tell(["userns-remap"], "E_VALUE", shown(user), expected, "write default, or remove userns-remap"),
    ];
  }
  if (host.imageStore === "classic") return [];
  const expected = "the classic image store: containerd's does not work with remapped users";
  const todo = "write storage-driver: overlay2, or remove userns-remap";
  return [
    tell(["userns-remap"], "E_CONFLICT", `${shown(user)} with containerd's image store`, expected, todo),
  ];
}
