/** Rules for the storage of an engine. */
import type { Problem } from "../../errors.ts";
import { mountOf, mountsOf } from "../mounts.ts";
import { shown } from "../../shown.ts";
import { list, map, text, type DaemonHost } from "./daemon-host.ts";

export function storageRules(site: DaemonHost): readonly Problem[] {
  return [...dataRoot(site), ...contradiction(site), ...quota(site), ...remap(site)];
}

function dataRoot({ host, report }: DaemonHost): Problem[] {
  const root = host.daemon["data-root"];
  const mounts = mountsOf(host.volumes);
  if (root === undefined || mounts.length === 0 || mountOf(root, mounts) !== undefined) return [];
  const expected = `a path on a mount of the site (${mounts.map(({ mount }) => mount).join(", ")})`;
  return [report(["data-root"], "E_VALUE", shown(root), expected, "choose a path on the data volume")];
}

/** Setting a driver silently disables the containerd store (moby daemon/image_store_choice.go, 29.7.2). */
function contradiction({ file, host, report }: DaemonHost): Problem[] {
  if (map(host, "features")["containerd-migration"] === true && host.imageStore === "classic") {
    // The daemon accepts it and then changes the store of an empty host despite storage-driver (NewDaemon, daemon/daemon.go).
    const expected =
      "the containerd image store, because the engine would leave the classic one when the host is empty";
    const fix = "set features.containerd-snapshotter: true, or remove containerd-migration";
    return [
      report(
        ["features", "containerd-migration"],
        "E_CONFLICT",
        "true with the classic image store",
        expected,
        fix,
      ),
    ];
  }
  const own = file.hosts.find(({ name }) => name === host.name)?.daemon;
  const driver = own?.["storage-driver"] ?? file.daemon?.["storage-driver"];
  if (driver === undefined || map(host, "features")["containerd-snapshotter"] !== true) return [];
  return [
    report(
      ["storage-driver"],
      "E_CONFLICT",
      `${shown(driver)} together with features.containerd-snapshotter: true`,
      "one image store",
      "remove one of the two: storage-driver selects the classic store, the feature selects the containerd store",
    ),
  ];
}

function quota({ host, report }: DaemonHost): Problem[] {
  const options = list(host, "storage-opts");
  if (options.length === 0) return [];
  const problem = (found: string, expected: string, fix: string): Problem =>
    report(["storage-opts"], "E_CONFLICT", found, expected, fix);
  if (host.imageStore !== "classic") {
    const found = `${shown(options)} with the containerd image store`;
    return [
      problem(
        found,
        "the classic image store, the only one that supports storage-opts",
        "remove storage-opts",
      ),
    ];
  }
  const root = host.daemon["data-root"] ?? "";
  const volume = mountOf(root, mountsOf(host.volumes));
  if (volume === undefined) return [];
  const { filesystem = "xfs", mount } = volume;
  // The options of existing mounts are checked on the host.
  if (filesystem === "xfs" && !("name" in volume)) return [];
  const found = `${shown(options)} with data-root on ${"name" in volume ? `volume ${volume.name}` : mount} (${filesystem})`;
  const expected =
    "data-root on an xfs mount of volumes.existing that is mounted with pquota; volumes that Sealift creates have no quotas";
  return [problem(found, expected, "remove storage-opts, or add such a mount to volumes.existing")];
}

/** An explicit containerd store together with userns-remap is a start error (moby daemon/command/daemon_linux.go, 29.7.2). */
function remap({ host, report }: DaemonHost): Problem[] {
  const user = text(host, "userns-remap");
  if (user === undefined) return [];
  if (/^(root|0+)(:|$)/.test(user)) {
    // The daemon accepts it and only warns (setupRemappedRoot, daemon/daemon_unix.go of moby 26.1 to 29.7.2).
    const expected = "a user other than root: with root the engine maps no ids and only warns";
    return [
      report(["userns-remap"], "E_VALUE", shown(user), expected, "set it to default, or remove userns-remap"),
    ];
  }
  if (host.imageStore === "classic") return [];
  const expected = "the classic image store: the containerd store does not support remapped users";
  const fix = "set storage-driver: overlay2, or remove userns-remap";
  return [
    report(["userns-remap"], "E_CONFLICT", `${shown(user)} with the containerd image store`, expected, fix),
  ];
}
