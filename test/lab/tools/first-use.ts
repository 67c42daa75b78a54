import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { downloadFailed } from "../../../offline-bundle/http/download-problem.ts";
import { request } from "../../../offline-bundle/http/web-request.ts";
import { cachePath } from "../cache.ts";

/**
 * The sha256 of a release asset without a pin: the one kept from the first use, otherwise the digest that GitHub computed
 * when the asset was uploaded (REST API, `assets[].digest`), fetched over TLS and kept from then on. A file that is exchanged
 * later does not match any more, and the download refuses it.
 *
 * @param api - GitHub's REST API, without a slash at the end.
 * @throws {E_DOWNLOAD} when GitHub cannot be reached or knows no digest.
 */
export async function firstUse(api: string, repository: string, tag: string, file: string): Promise<string> {
  const pins = read();
  const name = `${repository}@${tag}/${file}`;
  const kept = pins[name];
  if (kept !== undefined) return kept;
  const sha256 = await publishedDigest(api, repository, tag, file);
  mkdirSync(dirname(record), { recursive: true });
  writeFileSync(record, `${JSON.stringify({ ...pins, [name]: sha256 }, undefined, 2)}\n`);
  return sha256;
}

/** For the answer and its body. */
const timeoutMs = 8_000;
const record = cachePath("tools", "first-use.json");

function read(): Readonly<Record<string, string>> {
  if (!existsSync(record)) return {};
  return JSON.parse(readFileSync(record, "utf8")) as Record<string, string>;
}

async function publishedDigest(api: string, repository: string, tag: string, file: string): Promise<string> {
  const url = new URL(`${api}/repos/${repository}/releases/tags/${tag}`);
  try {
    const headers = { accept: "application/vnd.github+json", "user-agent": "sealift" };
    const answer = await request(url, headers, AbortSignal.timeout(timeoutMs));
    let text = "";
    // A piece is valid until the next one is requested.
    for await (const piece of answer.body.pieces()) text += piece.toString("latin1");
    if (answer.status !== 200) throw new Error(`HTTP status ${answer.status}`);
    const { assets } = JSON.parse(text) as { assets?: readonly { name: string; digest?: string | null }[] };
    const digest = assets?.find((asset) => asset.name === file)?.digest ?? "";
    const sha256 = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
    if (sha256 === undefined) throw new Error(`no sha256 digest for ${file}`);
    return sha256;
  } catch (error) {
    throw downloadFailed(url, error);
  }
}
