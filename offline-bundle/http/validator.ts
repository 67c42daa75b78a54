/** Identifies the version of a file on the server to which a partial download belongs: stored beside the partial file. */
import { rm } from "node:fs/promises";
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { openForWriting, readRegular } from "../io/regular-file.ts";
import { limits } from "../io/limits.ts";
import type { Answer } from "./web-request.ts";

/** The file beside `<name>.part`. */
export function validatorFile(part: string): string {
  return `${part}.of`;
}

/** For If-Range (RFC 9110, 13.1.5): a strong ETag or the date of the last change; undefined when neither is known. */
export async function readValidator(part: string, url: URL): Promise<string | undefined> {
  const text = await readRegular(validatorFile(part), limits.headers, "refuse").catch(() => "");
  const [place, validator] = text.toString().split("\n");
  return place === url.href && validator !== "" ? validator : undefined;
}

/** Written before the first byte: a partial file without its validator is never resumed. */
export async function writeValidator(part: string, url: URL, answer: Answer): Promise<void> {
  await (await openForWriting(part, "truncate")).close();
  const etag = answer.header("etag");
  const validator = etag?.startsWith('"') === true ? etag : answer.header("last-modified");
  if (validator === undefined) await rm(validatorFile(part), { force: true });
  else await writeAtomically(validatorFile(part), `${url.href}\n${validator}\n`);
}
