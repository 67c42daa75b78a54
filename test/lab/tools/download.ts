/** Pinned files from the internet, by the product's own downloader, on a machine that may reach no host at all. */
import { fetchToCache } from "../../../offline-bundle/fetching/download-cache.ts";
import { downloadFailed, isUnreachable } from "../../../offline-bundle/http/download-problem.ts";
import { defaultRetryPolicy, type RetryPolicy } from "../../../offline-bundle/http/retry-policy.ts";
import type { Report } from "../../support/process/stages.ts";
import { cachePath } from "../cache.ts";

/** There is another way to get each tool, so a host that does not answer is given up soon. */
const policy: RetryPolicy = { ...defaultRetryPolicy, attempts: 3, backoffMs: 200, stallMs: 8_000 };

/** Hosts from which a transfer failed in this run, with the reason: a further attempt would only wait again. */
const failed = new Map<string, string>();

/**
 * @param sha256 64 hex digits.
 * @returns the path of the file in the cache.
 * @throws {SealiftError} E_DOWNLOAD when the host or the file is not available; E_DOWNLOAD_SHA256 when the bytes are not the pinned ones:
 * they are deleted.
 */
export async function download(
  url: string,
  sha256: string,
  report: Report = () => undefined,
): Promise<string> {
  const place = new URL(url);
  const before = failed.get(place.host);
  if (before !== undefined)
    throw downloadFailed(place, `an earlier download from this host failed: ${before}`);
  const progress = (bytes: number, total: number | undefined): void => {
    const megabytes = `${url}: ${(bytes / 1e6).toFixed(1)} MB`;
    if (total === undefined) report(megabytes);
    else report(`${megabytes} of ${(total / 1e6).toFixed(1)}`, bytes / total);
  };
  try {
    const file = await fetchToCache(place, cachePath("downloads"), sha256, progress, { retryPolicy: policy });
    return file.path;
  } catch (error) {
    if (isUnreachable(error)) {
      const [{ found } = { found: "" }] = error.problems;
      if (!found.startsWith("HTTP status ")) failed.set(place.host, found);
    }
    throw error;
  }
}
