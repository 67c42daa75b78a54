/** Paths inside a bundle: an OCI image layout (image-spec 1.1) plus three files of Sealift. */
export const inside = {
  /** Version of the OCI layout. */
  marker: "oci-layout",
  /** Lists every manifest by its tag. */
  index: "index.json",
  blobs: "blobs/sha256",
  /** The lock it was built from. */
  lock: "bundle.lock.yaml",
  /** The bundle manifest: serial, platforms, and the sha256 of index and lock. This is the signed text. */
  manifest: "sealift.json",
  signature: "sealift.json.sig",
} as const;

/** The whole content of `oci-layout`; it is not signed, so it must be exactly this. */
export const markerText = '{"imageLayoutVersion":"1.0.0"}';

/** Version of the bundle format: of sealift.json and of the lock. */
export const bundleFormat = 1;

/** 1 for the first, 0 for a file that is not a signature. */
export function signatureNumber(name: string): number {
  if (name === inside.signature) return 1;
  const number = /^sealift\.json\.([1-9]\d{0,2})\.sig$/.exec(name)?.[1];
  return number === undefined || number === "1" ? 0 : Number(number);
}
