import { chmod, readFile, writeFile } from "node:fs/promises";

/** Changes one bit of a file in place. @param bit counted from the first bit of the file; default: one in the middle. */
export async function flipBit(file: string, bit?: number): Promise<void> {
  // A blob that oras has written is read-only.
  await chmod(file, 0o600);
  const data = await readFile(file);
  const at = bit ?? Math.floor(data.length / 2) * 8;
  const byte = Math.floor(at / 8);
  data[byte] = (data[byte] ?? 0) ^ (1 << (at % 8));
  await writeFile(file, data);
}
