/** Every blob that a signed bundle names, and what has become of it while the bundle is read. */
import type { Problem } from "../modules/core/errors.ts";
import type { CheckedBlobs } from "./blobs.ts";
import { type BlobContent, blobOf } from "./carried-order.ts";
import { type Delta, deltaName } from "./delta.ts";
import { inside } from "./layout.ts";
import { children, type Manifest } from "./manifests.ts";
import { TarError, type TarEntry } from "./tar-entries.ts";

export class NamedBlobs {
  readonly #expected = new Map<string, BlobContent>();
  readonly #found = new Map<string, number>();
  readonly #broken = new Map<string, Problem>();
  #bytes = 0;

  /** What it names may come from now on. */
  expect(manifest: Manifest): void {
    for (const blob of children(manifest).map(blobOf)) {
      if (!this.#expected.has(blob.sha256)) this.#expected.set(blob.sha256, blob);
    }
  }

  /** What a delta leaves to its base. @throws {TarError} when it leaves out what nobody has named. */
  lacking(delta: Delta | undefined): readonly BlobContent[] {
    return (delta?.lacks ?? []).map((sha256) => {
      const blob = this.#expected.get(sha256);
      if (blob !== undefined && !blob.manifest) return blob;
      throw new TarError(deltaName, `the digest ${sha256}`, "only what the signed bundle names");
    });
  }

  /** Bytes that have not come yet. */
  coming(lacking: readonly BlobContent[]): number {
    return [...this.#expected.values()]
      .filter((blob) => !this.#found.has(blob.sha256) && !lacking.includes(blob))
      .reduce((sum, blob) => sum + blob.bytes, 0);
  }

  /** The blob that an entry stands for. @throws {TarError} when it has no business here. */
  blobOf({ name, bytes }: TarEntry): BlobContent {
    const sha256 = name.slice(inside.blobs.length + 1);
    const blob = this.#expected.get(sha256);
    if (blob?.name !== name) throw new TarError(name, "a name that does not belong here", expectedNames);
    if (this.#found.has(sha256) || this.#broken.has(sha256))
      throw new TarError(name, "a second one", "each blob once");
    if (blob.bytes !== bytes) throw new TarError(name, `${bytes} bytes`, `${blob.bytes} bytes, as signed`);
    return blob;
  }

  /** Read here, and as it must be. */
  right(sha256: string, bytes: number): void {
    this.#found.set(sha256, bytes);
    this.#bytes += bytes;
  }

  wrong(sha256: string, bytes: number, problem: Problem): void {
    this.#broken.set(sha256, problem);
    this.#bytes += bytes;
  }

  /** As it must be, and somewhere else. */
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

const expectedNames = "only blobs that the signed bundle names, each after what names it";
