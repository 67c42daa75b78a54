/** Limits on what is read from elsewhere: far above any real value, far below anything harmful. */

const mib = 1024 * 1024;

/** In bytes, unless stated otherwise. */
export const limits = {
  /** sealift.json */
  bundleManifest: 4 * mib,
  /** One signature file, and the number of signature files. */
  signature: 64 * 1024,
  signatures: 32,
  /** oci-layout */
  marker: 1024,
  /** index.json, also that of a layout from which an image is taken. */
  index: 32 * mib,
  /** One manifest: distribution specification 1.1, section "Pushing Manifests". */
  manifest: 4 * mib,
  /** All manifests of a bundle, in bytes and in number: they are held in memory. */
  manifests: 256 * mib,
  manifestCount: 100_000,
  /** Number of blobs of a bundle. */
  blobs: 1_000_000,
  /** Number of repositories and of tags that a registry may list. */
  repositories: 10_000,
  tags: 100_000,
  /** bundle.lock.yaml and bundle.yaml. */
  document: 4 * mib,
  /** The files of a Compose project, in bytes and in number: they are held in memory. */
  project: 64 * mib,
  projectFiles: 10_000,
  /** package-lock.json: a package has half a kilobyte. */
  packageLock: 16 * mib,
  /** delta.json, inventories and part lists. */
  list: 32 * mib,
  /** The list of accepted bundles. */
  accepted: 16 * mib,
  /** Allowed signers, revoked keys. */
  keys: 16 * mib,
  /** A checksum file of a publisher. */
  checksums: 4 * mib,
  /** A Packages file of an apt repository, compressed or not. */
  packages: 128 * mib,
  /** The Docker configuration file, and the output of a credential helper. */
  login: mib,
  /** A public key for image signatures. */
  publicKey: 64 * 1024,
  /** One signed statement about an image. */
  claim: 4 * mib,
  /**
   * All signed statements about one image at one source, in number, bytes and milliseconds: statements of others can neither hide
   * the right one nor delay a run.
   */
  claims: { count: 256, bytes: 64 * mib, ms: 300_000 },
  /** All headers of an HTTP response. */
  headers: 16 * 1024,
  /** A file without a pinned length, by its kind, and the default for other kinds. */
  unpinned: {
    engine: 1024 * mib,
    binary: 4096 * mib,
    deb: 2 * 1024 * mib,
    archive: 16 * 1024 * mib,
    npm: 512 * mib,
    app: 64 * mib,
    file: 16 * 1024 * mib,
  },
  download: 16 * 1024 * mib,
} as const;
