/** Bytes that arrive over a connection, buffered until they are read. */
import type { Readable } from "node:stream";

/**
 * Copies what arrives into a buffer of its own that is reused: waiting buffers of a stream outlive the young garbage collections,
 * and full collections start only after 64 MiB of them.
 */
export class PartialDownload {
  readonly #source: Readable;
  /** Settles when the connection ends; rejects with its error. */
  readonly ended: Promise<void>;
  #filling: Buffer = Buffer.alloc(0);
  #other: Buffer = Buffer.alloc(0);
  #length = 0;
  #over = false;
  #tell: () => void = () => undefined;

  /** @param source has no other reader; up to 512 KiB are buffered, then the source is paused. */
  constructor(source: Readable) {
    this.#source = source;
    this.ended = new Promise<void>((resolve, reject) => {
      source.on("end", resolve);
      source.on("error", reject);
      source.on("close", () => {
        reject(new Error("the connection was closed"));
      });
    });
    source.on("data", (chunk: Buffer) => {
      this.#take(chunk);
    });
    const over = (): void => {
      this.#over = true;
      this.#tell();
    };
    this.ended.then(over, over);
  }

  /**
   * All bytes that arrive, until the connection ends in whatever way. A chunk is valid only until the next one is requested; a
   * reader that stops ends the connection.
   */
  async *pieces(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        if (this.#length > 0) yield this.#piece();
        else if (this.#over) return;
        else await new Promise<void>((resolve) => (this.#tell = resolve));
      }
    } finally {
      this.discard();
    }
  }

  /** Ends the connection. */
  discard(): void {
    this.#source.destroy();
  }

  #take(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#filling.length) {
      const longer = Buffer.allocUnsafeSlow(Math.max(needed, heldBytes));
      this.#filling.copy(longer, 0, 0, this.#length);
      this.#filling = longer;
    }
    chunk.copy(this.#filling, this.#length);
    this.#length = needed;
    if (needed + usualChunkBytes > this.#filling.length) this.#source.pause();
    this.#tell();
  }

  #piece(): Buffer {
    const piece = this.#filling.subarray(0, this.#length);
    [this.#filling, this.#other] = [this.#other, this.#filling];
    this.#length = 0;
    this.#source.resume();
    return piece;
  }
}

const heldBytes = 512 * 1024;
/** Node reads at most this much from a connection at once. */
const usualChunkBytes = 64 * 1024;
