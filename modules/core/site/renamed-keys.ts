/** Keys of the site file that pre-releases of 0.1.0 knew by other names. Pure. */

/** The old key, and the new one for each place that had it. */
export const renamedKeys: Readonly<Record<string, readonly string[]>> = {
  strangers: ["unmanagedMembers"],
  keys: ["authorizedKeysMode"],
  signatures: ["minSignatures"],
  keep: ["retainBundles"],
  sources: ["mirroredRegistries"],
  login: ["sshUser"],
  jump: ["jumpHost"],
  logical: ["logicalVolumes"],
  disk: ["disks", "id"],
  serial: ["disks"],
  moreDisks: ["disks"],
  systemUid: ["allowSystemId"],
};

/**
 * The new name of a key.
 * @param known keys of the place in which the old one was found: an old name may have been common to several places.
 */
export function renamedTo(key: string, known: readonly string[]): string | undefined {
  const names = Object.hasOwn(renamedKeys, key) ? (renamedKeys[key] ?? []) : [];
  return names.find((name) => known.includes(name));
}

/** How to fix a site file that has the old key. */
export function renameFix(name: string): string {
  return name === "disks"
    ? "list the disks of the group in disks: [{ id: /dev/disk/by-id/<name of the disk> }], each with its serial if it has one"
    : `rename it to "${name}"`;
}
