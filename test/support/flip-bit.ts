import { chmod, readFile, writeFile } from "node:fs/promises";

/** Changes one bit of a file. @param at byte; default the one in the middle. */
export async function flipBit(file: string, at?: number): Promise<void> {
  await chmod(file, 0o600);
  const data = await readFile(file);
  const byte = at ?? Math.floor(data.length / 2);
  data[byte] = (data[byte] ?? 0) ^ 1;
  await writeFile(file, data);
}
