/**
 * Reads a carried bundle from its first byte to its last and believes nothing: the signature is checked before anything
 * that hangs on it is read, and every file must be one that the signed bundle names, in the length that it names.
 */
import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { refuse, SealiftError } from "../modules/core/errors.ts";
import { type CarriedSource } from "./carried-source.ts";
import type { BlobContent } from "./carried-order.ts";
import { type Delta, deltaName, parseDelta } from "./delta.ts";
import { digestOfBytes } from "./digest.ts";
import { differs, KeptFiles, whole } from "./kept-files.ts";
import { inside, parseSeal } from "./layout.ts";
import { limits } from "./limits.ts";
import { type Manifest, NoManifest, parseManifest } from "./manifests.ts";
import { NamedBlobs } from "./named-blobs.ts";
import { refuseOtherBundle } from "./part-index.ts";
import { signatureNumber } from "./signature-files.ts";
import { checkSignatures, type SignatureCheck, type SignaturePolicy } from "./signature.ts";
import { tarEntries, TarError, type TarEntry } from "./tar-entries.ts";
import type { CheckedOnTheWay } from "./verify.ts";
import { decompressed } from "./zstd.ts";

export interface ReadOptions extends SignaturePolicy {
  /** Whether blobs are written; head and manifests always are. */
  readonly keep: boolean;
  /**
   * Called once it is known what the bundle is made of, before the first blob that is no manifest: bytes that will come,
   * and what the delta leaves to its base. @returns those of them that are there.
   */
  readonly known: (
    coming: number,
    delta: Delta | undefined,
    lacking: readonly BlobContent[],
  ) => Promise<Found>;
  /** Told while it is read: bytes so far of the compressed stream, bytes in all. */
  readonly progress?: (bytes: number, total: number) => void;
}

/** sha256 -> bytes of blobs that are what their name says. */
export type Found = ReadonlyMap<string, number>;

export interface ReadBundle extends CheckedOnTheWay {
  readonly delta: Delta | undefined;
}

/**
 * Reads all of it once and writes it below `into`.
 *
 * @throws {SealiftError} E_BUNDLE_UNSIGNED, E_BUNDLE_SIGNATURE, E_BUNDLE_DIGEST for index, lock or a manifest; E_ARCHIVE
 * when something is in it that does not belong there; E_BUNDLE_PART when the parts are of another bundle. Blobs that are
 * not what they must be are among the problems of the result.
 */
export async function readCarried(
  source: CarriedSource,
  into: string,
  options: ReadOptions,
): Promise<ReadBundle> {
  const { file } = source;
  const reader = new Reader(source, into, options);
  try {
    return await reader.read().finally(() => reader.end());
  } catch (error) {
    if (error instanceof SealiftError || !(error instanceof Error)) throw error;
    // Whoever writes knows what a full disk is; a stick that cannot be read is told in the system's words.
    if ("syscall" in error && error.syscall !== "read") throw error;
    const { subject, expected } = error instanceof TarError ? error : brokenStream;
    const todo = "do not use it: copy it again, and if it stays, ask who built it";
    throw new SealiftError([{ where: file, code: "E_ARCHIVE", subject, got: error.message, expected, todo }]);
  }
}

const brokenStream = { subject: "compressed stream", expected: "what sealift bundle build --carry wrote" };

class Reader {
  readonly #source: CarriedSource;
  readonly #into: string;
  readonly #options: ReadOptions;
  readonly #kept: KeptFiles;
  readonly #entries: AsyncGenerator<TarEntry>;
  readonly #named = new NamedBlobs();

  constructor(source: CarriedSource, into: string, options: ReadOptions) {
    this.#source = source;
    this.#into = into;
    this.#options = options;
    this.#kept = new KeptFiles(source.file, into);
    this.#entries = tarEntries(decompressed(this.#counted(), source.bytes));
  }

  async read(): Promise<ReadBundle> {
    await mkdir(join(this.#into, inside.blobs), { recursive: true });
    const { text, signatures, next: first } = await this.#head();
    const delta = first?.name === deltaName ? await this.#delta(first) : undefined;
    let entry = delta === undefined ? first : await this.#next();
    let told = false;
    const tell = async (): Promise<void> => {
      if (told) return;
      told = true;
      const lacking = this.#named.lacking(delta);
      const bytes = this.#named.coming(lacking);
      for (const [sha256, length] of await this.#options.known(bytes, delta, lacking))
        this.#named.elsewhere(sha256, length);
    };
    for (; entry !== undefined; entry = await this.#next()) {
      const blob = this.#named.blobOf(entry);
      if (blob.manifest) await this.#manifest(entry, blob);
      else {
        await tell();
        await this.#content(entry, blob);
      }
    }
    await tell();
    return { text, signatures, blobs: this.#named.checked(), delta };
  }

  /** To be called in any case: it closes what is being read. */
  async end(): Promise<void> {
    await this.#entries.return(undefined);
  }

  /** Bundle text, signatures, marker, index and lock; `next` is what comes after them. */
  async #head(): Promise<{
    readonly text: Buffer;
    readonly signatures: SignatureCheck;
    readonly next: TarEntry | undefined;
  }> {
    const text = await this.#kept.small(await this.#next(), inside.seal, limits.seal);
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
    const seal = parseSeal(text, this.#source.file);
    await this.#kept.small(entry, inside.marker, limits.marker);
    const index = await this.#kept.pinned(await this.#next(), inside.index, seal.index, limits.index);
    this.#named.expect(manifestOf(inside.index, index));
    await this.#kept.pinned(await this.#next(), inside.lock, seal.lock, limits.document);
    return { text, signatures, next: await this.#next() };
  }

  async #delta(entry: TarEntry): Promise<Delta> {
    const delta = parseDelta(await whole(entry, deltaName, limits.list));
    if (delta === undefined) throw new TarError(deltaName, "a text of another shape", "format 1");
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
    const got = hash.digest("hex");
    if (got === sha256) this.#named.right(sha256, bytes);
    else
      this.#named.wrong(
        sha256,
        bytes,
        differs(this.#source.file, name, { bytes, sha256: got }, { bytes, sha256 }),
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

/** @throws {TarError} when it is none. */
function manifestOf(name: string, text: Buffer): Manifest {
  try {
    return parseManifest(text);
  } catch (error) {
    throw error instanceof NoManifest ? new TarError(name, error.message, "a manifest or index") : error;
  }
}
