/** Paths inside a bundle. A bundle is an OCI image layout (image-spec 1.1) with three files of its own. */
export const inside = {
  /** Says which OCI layout this is. */
  marker: "oci-layout",
  /** Lists every manifest by its tag. */
  index: "index.json",
  blobs: "blobs/sha256",
  /** The lock it was built from. */
  lock: "bundle.lock.yaml",
  /** The bundle text: serial, platforms, and the sha256 of index and lock. This is what gets signed. */
  seal: "sealift.json",
  signature: "sealift.json.sig",
} as const;

/** The whole content of `oci-layout`; it is not signed, so it must be exactly this. */
export const markerText = '{"imageLayoutVersion":"1.0.0"}';

/** Version of the bundle format: of sealift.json and of the lock. */
export const bundleFormat = 1;
