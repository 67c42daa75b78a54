/**
 * Reads an archive from its first byte to its last and trusts nothing: the signature is checked before anything that it covers is
 * read, and every file must be one that the signed bundle names, with the length that it names.
 */
import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { refuse, SealiftError } from "../../modules/core/errors.ts";
import type { ArchiveSource } from "./archive-source.ts";
import type { BlobContent } from "./archive-order.ts";
import { type Delta, deltaName, parseDelta } from "./delta.ts";
import { digestOfBytes } from "../io/digest.ts";
import { metadataDiffers, MetadataFiles, readWhole } from "./metadata-files.ts";
import { inside, parseBundleManifest } from "../oci/layout.ts";
import { limits } from "../io/limits.ts";
import { type Manifest, NoManifest, parseManifest } from "../oci/manifests.ts";
import { ExpectedBlobs } from "./expected-blobs.ts";
import { refuseOtherBundle } from "./part-index.ts";
import { signatureNumber } from "../io/inside.ts";
import { checkSignatures, type SignatureCheck, type SignaturePolicy } from "../signing/signature.ts";
import { tarEntries, TarError, type TarEntry } from "./tar-entries.ts";
import { decompressed } from "./zstd.ts";
import type { CheckedBlobs } from "../oci/blobs.ts";

export interface ReadArchiveOptions extends SignaturePolicy {
  /** Whether blobs are written; metadata and manifests always are. */
  readonly keep: boolean;
  /**
   * Called before the first blob that is not a manifest, when the composition of the bundle is known: the bytes to come, and the
   * blobs that the delta leaves to its base.
   *
   * @returns those of them that exist.
   */
  readonly known: (
    coming: number,
    delta: Delta | undefined,
    missingFromDelta: readonly BlobContent[],
  ) => Promise<Found>;
  /** Called during the read: bytes so far of the compressed stream, bytes in total. */
  readonly progress?: (bytes: number, total: number) => void;
}

/** sha256 -> bytes of blobs that match their name. */
export type Found = ReadonlyMap<string, number>;

export interface ReadBundle extends CheckedOnTheWay {
  readonly delta: Delta | undefined;
}

/**
 * Reads the archive once and writes it below `into`.
 *
 * @throws {SealiftError} E_BUNDLE_UNSIGNED, E_BUNDLE_SIGNATURE, E_BUNDLE_DIGEST for index, lock or a manifest; E_ARCHIVE for an
 * unexpected entry; E_BUNDLE_PART when the parts belong to another bundle. Blobs that do not match their digest are among the
 * problems of the result.
 */
export async function readArchive(
  source: ArchiveSource,
  into: string,
  options: ReadArchiveOptions,
): Promise<ReadBundle> {
  const { file } = source;
  const reader = new Reader(source, into, options);
  try {
    return await reader.read().finally(() => reader.end());
  } catch (error) {
    if (error instanceof SealiftError || !(error instanceof Error)) throw error;
    // The writer reports a full disk; a USB drive that cannot be read is reported in the system's words.
    if ("syscall" in error && error.syscall !== "read") throw error;
    const { subject, expected } = error instanceof TarError ? error : brokenStream;
    const fix = "do not use it; copy it again; if the problem remains, ask the person who built it";
    throw new SealiftError([
      { where: file, code: "E_ARCHIVE", subject, found: error.message, expected, fix },
    ]);
  }
}

const brokenStream = {
  subject: "compressed stream",
  expected: "an archive that sealift bundle build --archive wrote",
};

class Reader {
  readonly #source: ArchiveSource;
  readonly #into: string;
  readonly #options: ReadArchiveOptions;
  readonly #kept: MetadataFiles;
  readonly #entries: AsyncGenerator<TarEntry>;
  readonly #named = new ExpectedBlobs();

  constructor(source: ArchiveSource, into: string, options: ReadArchiveOptions) {
    this.#source = source;
    this.#into = into;
    this.#options = options;
    this.#kept = new MetadataFiles(source.file, into);
    this.#entries = tarEntries(decompressed(this.#counted(), source.bytes));
  }

  async read(): Promise<ReadBundle> {
    await mkdir(join(this.#into, inside.blobs), { recursive: true });
    const { text, signatures, next: first } = await this.#head();
    const delta = first?.name === deltaName ? await this.#delta(first) : undefined;
    let entry = delta === undefined ? first : await this.#next();
    let reported = false;
    const report = async (): Promise<void> => {
      if (reported) return;
      reported = true;
      const missingFromDelta = this.#named.missingFromDelta(delta);
      const bytes = this.#named.coming(missingFromDelta);
      for (const [sha256, length] of await this.#options.known(bytes, delta, missingFromDelta))
        this.#named.elsewhere(sha256, length);
    };
    for (; entry !== undefined; entry = await this.#next()) {
      const blob = this.#named.blobOf(entry);
      if (blob.manifest) await this.#manifest(entry, blob);
      else {
        await report();
        await this.#content(entry, blob);
      }
    }
    await report();
    return { text, signatures, blobs: this.#named.checked(), delta };
  }

  /** Must always be called: it closes the file that is being read. */
  async end(): Promise<void> {
    await this.#entries.return(undefined);
  }

  /** Bundle manifest, signatures, marker, index and lock; `next` is the entry after them. */
  async #head(): Promise<{
    readonly text: Buffer;
    readonly signatures: SignatureCheck;
    readonly next: TarEntry | undefined;
  }> {
    const text = await this.#kept.small(await this.#next(), inside.manifest, limits.bundleManifest);
    if (this.#source.index !== undefined)
      refuseOtherBundle(this.#source.file, this.#source.index, digestOfBytes(text).sha256);
    let entry = await this.#next();
    for (
      let count = 0;
      entry !== undefined && signatureNumber(entry.name) > 0 && count < limits.signatures;
      count++
    ) {
      await this.#kept.small(entry, entry.name, limits.signature);
      entry = await this.#next();
    }
    const signatures = await checkSignatures(this.#into, text, this.#options);
    refuse(signatures.problems);
    const bundleManifest = parseBundleManifest(text, this.#source.file);
    await this.#kept.small(entry, inside.marker, limits.marker);
    const index = await this.#kept.pinned(
      await this.#next(),
      inside.index,
      bundleManifest.index,
      limits.index,
    );
    this.#named.expect(manifestOf(inside.index, index));
    await this.#kept.pinned(await this.#next(), inside.lock, bundleManifest.lock, limits.document);
    return { text, signatures, next: await this.#next() };
  }

  async #delta(entry: TarEntry): Promise<Delta> {
    const delta = parseDelta(await readWhole(entry, deltaName, limits.list));
    if (delta === undefined) throw new TarError(deltaName, "unknown format", "format 1");
    return delta;
  }

  async #manifest(entry: TarEntry, { sha256, bytes }: BlobContent): Promise<void> {
    const text = await this.#kept.pinned(entry, entry.name, { bytes, sha256 }, limits.manifest);
    this.#named.right(sha256, bytes);
    this.#named.expect(manifestOf(entry.name, text));
  }

  async #content({ name, content }: TarEntry, { sha256, bytes }: BlobContent): Promise<void> {
    const hash = createHash("sha256");
    const target = this.#options.keep ? await open(join(this.#into, name), "wx", 0o644) : undefined;
    try {
      for await (const piece of content()) {
        const writing = target?.writeFile(piece);
        hash.update(piece);
        await writing;
      }
      await target?.datasync();
    } finally {
      await target?.close();
    }
    const found = hash.digest("hex");
    if (found === sha256) this.#named.right(sha256, bytes);
    else
      this.#named.wrong(
        sha256,
        bytes,
        metadataDiffers(this.#source.file, name, { bytes, sha256: found }, { bytes, sha256 }),
      );
  }

  async #next(): Promise<TarEntry | undefined> {
    const step: IteratorResult<TarEntry, unknown> = await this.#entries.next();
    return step.done === true ? undefined : step.value;
  }

  async *#counted(): AsyncGenerator<Buffer> {
    const { stream, bytes } = this.#source;
    let done = 0;
    for await (const piece of stream()) {
      done += piece.length;
      this.#options.progress?.(done, bytes);
      yield piece;
    }
  }
}

/** @throws {TarError} when the entry is not a manifest. */
function manifestOf(name: string, text: Buffer): Manifest {
  try {
    return parseManifest(text);
  } catch (error) {
    throw error instanceof NoManifest ? new TarError(name, error.message, "a manifest or index") : error;
  }
}

/** What was already checked while the archive was read. */
export interface CheckedOnTheWay {
  /** The text of the bundle manifest. */
  readonly text: Buffer;
  /** Its signatures. */
  readonly signatures: SignatureCheck;
  readonly blobs: CheckedBlobs;
}
