/** Every blob that a signed bundle names, and its state while the bundle is read. */
import type { Problem } from "../../modules/core/errors.ts";
import type { CheckedBlobs } from "../oci/blobs.ts";
import { type BlobContent, blobOf } from "./archive-order.ts";
import { type Delta, deltaName } from "./delta.ts";
import { inside } from "../oci/layout.ts";
import { children, type Manifest } from "../oci/manifests.ts";
import { TarError, type TarEntry } from "./tar-entries.ts";

export class ExpectedBlobs {
  readonly #expected = new Map<string, BlobContent>();
  readonly #found = new Map<string, number>();
  readonly #broken = new Map<string, Problem>();
  #bytes = 0;

  /** Allows the blobs that a manifest names to come from now on. */
  expect(manifest: Manifest): void {
    for (const blob of children(manifest).map(blobOf)) {
      if (!this.#expected.has(blob.sha256)) this.#expected.set(blob.sha256, blob);
    }
  }

  /** The blobs that a delta leaves to its base. @throws {TarError} when the delta omits a blob that no manifest names. */
  missingFromDelta(delta: Delta | undefined): readonly BlobContent[] {
    return (delta?.lacks ?? []).map((sha256) => {
      const blob = this.#expected.get(sha256);
      if (blob !== undefined && !blob.manifest) return blob;
      throw new TarError(deltaName, `the digest ${sha256}`, "only blobs that the signed bundle names");
    });
  }

  /** Bytes that are still to come. */
  coming(missingFromDelta: readonly BlobContent[]): number {
    return [...this.#expected.values()]
      .filter((blob) => !this.#found.has(blob.sha256) && !missingFromDelta.includes(blob))
      .reduce((sum, blob) => sum + blob.bytes, 0);
  }

  /** The blob of a tar entry. @throws {TarError} for an entry that no manifest names, or at the wrong place. */
  blobOf({ name, bytes }: TarEntry): BlobContent {
    const sha256 = name.slice(inside.blobs.length + 1);
    const blob = this.#expected.get(sha256);
    if (blob?.name !== name) throw new TarError(name, "an unexpected name", expectedNames);
    if (this.#found.has(sha256) || this.#broken.has(sha256))
      throw new TarError(name, "the blob appears twice", "each blob once");
    if (blob.bytes !== bytes) throw new TarError(name, `${bytes} bytes`, `${blob.bytes} bytes, as signed`);
    return blob;
  }

  /** Blobs that were read here and match their digest. */
  right(sha256: string, bytes: number): void {
    this.#found.set(sha256, bytes);
    this.#bytes += bytes;
  }

  wrong(sha256: string, bytes: number, problem: Problem): void {
    this.#broken.set(sha256, problem);
    this.#bytes += bytes;
  }

  /** Blobs that match their digest, and are somewhere else. */
  elsewhere(sha256: string, bytes: number): void {
    this.#found.set(sha256, bytes);
  }

  checked(): CheckedBlobs {
    return {
      found: this.#found,
      broken: new Set(this.#broken.keys()),
      bytes: this.#bytes,
      problems: [...this.#broken.values()],
    };
  }
}

const expectedNames = "only blobs that the signed bundle names, each after the manifest that names it";
