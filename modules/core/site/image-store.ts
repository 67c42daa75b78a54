/** Where an engine keeps images: daemon.json decides, and later files of the same host must not override the decision. */

/** classic: dockerd's own overlay2 driver. containerd: containerd's snapshotter, the default of new installations since 29. */
export type ImageStore = "classic" | "containerd";

/**
 * The store that this engine uses with this daemon.json. Setting a storage driver disables the containerd store (moby
 * daemon/image_store_choice.go, 29.7.2); without either key, the engine's default for an empty host applies.
 *
 * @param version engine version; undefined while the site file is incomplete.
 */
export function imageStoreOf(
  daemon: Readonly<Record<string, unknown>>,
  version: string | undefined,
): ImageStore {
  const features = daemon["features"] as Readonly<Record<string, unknown>> | undefined;
  const requested = features?.["containerd-snapshotter"];
  if (typeof requested === "boolean") return requested ? "containerd" : "classic";
  if (daemon["storage-driver"] !== undefined) return "classic";
  return Number(version?.split(".")[0] ?? 0) >= 29 ? "containerd" : "classic";
}

/**
 * Whether pulls can be redirected for each registry (hosts.toml): with the containerd store, since engine 28.5 (moby
 * daemon/hosts.go, 28.5.2). All other engines support only a mirror of Docker Hub.
 */
export function pullsByName(store: ImageStore, version: string | undefined): boolean {
  const [major = 0, minor = 0] = (version ?? "0.0").split(".").map(Number);
  return store === "containerd" && (major > 28 || (major === 28 && minor >= 5));
}

/** The same choice as keys of daemon.json, always written explicitly: an engine's default may change with its version. */
export function imageStoreKeys(store: ImageStore): Readonly<Record<string, unknown>> {
  return store === "classic"
    ? { "storage-driver": "overlay2" }
    : { features: { "containerd-snapshotter": true } };
}
