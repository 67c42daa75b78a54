/** How much is read of what comes from elsewhere: far above what is ever needed, far below what would hurt. */

const mib = 1024 * 1024;

/** In bytes, where nothing else is said. */
export const limits = {
  /** sealift.json */
  seal: 4 * mib,
  /** One signature file, and how many of them. */
  signature: 64 * 1024,
  signatures: 32,
  /** oci-layout */
  marker: 1024,
  /** index.json, and that of a layout that an image comes from. */
  index: 32 * mib,
  /** One manifest: distribution specification 1.1, section "Pushing Manifests". */
  manifest: 4 * mib,
  /** All manifests of a bundle, and how many: they are held in memory. */
  manifests: 256 * mib,
  manifestCount: 100_000,
  /** Blobs of a bundle, a number. */
  blobs: 1_000_000,
  /** Repositories and tags of which a registry speaks, a number of each. */
  repositories: 10_000,
  tags: 100_000,
  /** bundle.lock.yaml and bundle.yaml. */
  document: 4 * mib,
  /** delta.json, inventories and lists of parts. */
  list: 32 * mib,
  /** The list of accepted bundles. */
  accepted: 16 * mib,
  /** Allowed signers, revoked keys. */
  keys: 16 * mib,
  /** A checksum file of upstream. */
  checksums: 4 * mib,
  /** A Packages file of an apt repository, packed or not. */
  packages: 128 * mib,
  /** The docker config file, and what a credential helper answers. */
  login: mib,
  /** A public key by which images are signed. */
  publicKey: 64 * 1024,
  /** What somebody has signed of an image. */
  claim: 4 * mib,
  /** All that is said of one image at one place, a number, bytes and milliseconds: what others say does not hide the right one, nor hold a run up. */
  claims: { count: 256, bytes: 64 * mib, ms: 300_000 },
  /** What a program prints. */
  output: 64 * mib,
  /** What it complains. */
  complaint: 64 * 1024,
  /** All headers of an answer over HTTP. */
  headers: 16 * 1024,
  /** A file whose length nobody has pinned, by its kind, far above what there is; and where nobody says a kind. */
  unpinned: {
    engine: 1024 * mib,
    binary: 4096 * mib,
    deb: 2 * 1024 * mib,
    archive: 16 * 1024 * mib,
    file: 16 * 1024 * mib,
  },
  download: 16 * 1024 * mib,
} as const;
