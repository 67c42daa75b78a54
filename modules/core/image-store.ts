/** Where an engine keeps images: a choice that daemon.json makes, and that later files of the same host must not unmake. */

/** classic: dockerd's own overlay2 driver. containerd: containerd's snapshotter, the default of new installations from 29 on. */
export type ImageStore = "classic" | "containerd";

/**
 * The store that this engine uses with this daemon.json. Naming a storage driver switches the containerd store off
 * (moby daemon/image_store_choice.go, 29.7.2); without either word the engine's own default for an empty host counts.
 * @param version engine version; undefined while the site file is incomplete.
 */
export function imageStoreOf(
  daemon: Readonly<Record<string, unknown>>,
  version: string | undefined,
): ImageStore {
  const features = daemon["features"] as Readonly<Record<string, unknown>> | undefined;
  const asked = features?.["containerd-snapshotter"];
  if (typeof asked === "boolean") return asked ? "containerd" : "classic";
  if (daemon["storage-driver"] !== undefined) return "classic";
  return Number(version?.split(".")[0] ?? 0) >= 29 ? "containerd" : "classic";
}

/**
 * Whether pulls can be led elsewhere name by name (hosts.toml): with the containerd store, from engine 28.5 on (moby
 * daemon/hosts.go, 28.5.2). All others know a mirror of Docker Hub and nothing else.
 */
export function followsNames(store: ImageStore, version: string | undefined): boolean {
  const [major = 0, minor = 0] = (version ?? "0.0").split(".").map(Number);
  return store === "containerd" && (major > 28 || (major === 28 && minor >= 5));
}

/** The same choice as keys of daemon.json, always written down: an engine's default may change with its version. */
export function imageStoreKeys(store: ImageStore): Readonly<Record<string, unknown>> {
  return store === "classic"
    ? { "storage-driver": "overlay2" }
    : { features: { "containerd-snapshotter": true } };
}
