/** What says that a file on a server is still the one of which a part is here: kept beside the part. */
import { rm } from "node:fs/promises";
import { writeWhole } from "../modules/core/write-whole.ts";
import { openForWriting, readRegular } from "./regular-file.ts";
import { limits } from "./limits.ts";
import type { Answer } from "./web-request.ts";

/** The file beside `<name>.part`. */
export function validatorFile(part: string): string {
  return `${part}.of`;
}

/** For If-Range (RFC 9110, 13.1.5): a strong ETag or the date of the last change; undefined when that is not known. */
export async function readValidator(part: string, url: URL): Promise<string | undefined> {
  const text = await readRegular(validatorFile(part), limits.headers, "refuse").catch(() => "");
  const [place, validator] = text.toString().split("\n");
  return place === url.href && validator !== "" ? validator : undefined;
}

/** Before the first byte is: a part without its validator is never taken for one of another file. */
export async function writeValidator(part: string, url: URL, answer: Answer): Promise<void> {
  await (await openForWriting(part, "anew")).close();
  const etag = answer.header("etag");
  const validator = etag?.startsWith('"') === true ? etag : answer.header("last-modified");
  if (validator === undefined) await rm(validatorFile(part), { force: true });
  else await writeWhole(validatorFile(part), `${url.href}\n${validator}\n`);
}
