/** One GET over https: through the proxy of the environment, with the credentials of the host; redirects are checked first. */
import type { EnvHttpProxyAgent } from "undici";
import { PartialDownload } from "./arriving.ts";
import { authorization } from "./docker-config.ts";
import { limits } from "../io/limits.ts";
import { type RetryPolicy, retryAfter } from "./retry-policy.ts";

/** A response that another try would not change. */
export class Refusal extends Error {}

export interface Answer {
  readonly status: number;
  /** A header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly body: PartialDownload;
}

/**
 * Requests `url`. Follows redirects, to https only, and sends credentials to the host of `url` alone: the target of a redirect
 * gets none, not even its own, because the redirecting server would choose how they are used. HTTPS_PROXY, HTTP_PROXY and
 * NO_PROXY apply, also in lower case; more headers than limits.headers are a connection error; the trusted certificates are those
 * of Node and of NODE_EXTRA_CA_CERTS.
 *
 * @param headers in addition to the credentials.
 * @throws {Refusal} for a redirect that is not followed; the connection error otherwise.
 */
export async function request(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const undici = await import("undici");
  agent ??= new undici.EnvHttpProxyAgent({ maxHeaderSize: limits.headers });
  let place = url;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const trusted = place.protocol === "https:" && place.host === url.host;
    const login = trusted ? await authorization(place.host) : undefined;
    const answer = await undici.request(place, {
      dispatcher: agent,
      signal,
      // The pin is over the stored file, not over a compressed transfer of it.
      headers: {
        "accept-encoding": "identity",
        ...headers,
        ...(login === undefined ? {} : { authorization: login }),
      },
    });
    const header = (name: string): string | undefined => [answer.headers[name] ?? []].flat()[0];
    const target = redirectCodes.has(answer.statusCode) ? header("location") : undefined;
    if (target === undefined)
      return { status: answer.statusCode, header, body: new PartialDownload(answer.body) };
    await answer.body.dump();
    place = follow(place, target);
  }
  throw new Refusal(`more than ${maxRedirects} redirects`);
}

/** Loaded on the first request: a build from the cache needs none. */
let agent: EnvHttpProxyAgent | undefined;
const redirectCodes = new Set([301, 302, 303, 307, 308]);
const maxRedirects = 10;

function follow(from: URL, target: string): URL {
  if (!URL.canParse(target, from.href)) throw new Refusal("a redirect to an invalid URL");
  const place = new URL(target, from.href);
  // The rest of such a URL is often a secret, such as a signature.
  const shown = `${place.origin}${place.pathname}`;
  if (from.protocol === "https:" && place.protocol !== "https:") throw new Refusal(`a redirect to ${shown}`);
  if (!/^https?:$/.test(place.protocol)) throw new Refusal(`a redirect to ${place.protocol}`);
  return place;
}

/** The server asks to wait. */
export class Busy extends Error {
  readonly waitMs: number;
  constructor(text: string, waitMs: number) {
    super(text);
    this.waitMs = waitMs;
  }
}

/** First byte of the requested range (RFC 9110, 14.4). */
export function startOf(answer: Answer): number | undefined {
  const start = /^bytes (\d+)-/.exec(answer.header("content-range") ?? "")?.[1];
  return start === undefined ? undefined : Number(start);
}

export function lengthHeader(answer: Answer): number | undefined {
  const length = answer.header("content-length");
  return length === undefined || answer.header("content-encoding") !== undefined ? undefined : Number(length);
}

export function refusalOf(answer: Answer, retryPolicy: RetryPolicy): Error {
  const { status } = answer;
  if (status < 500 && ![408, 425, 429].includes(status)) return new Refusal(`HTTP status ${status}`);
  const wait = retryAfter(answer.header("retry-after"));
  if (wait === undefined) return new Error(`HTTP status ${status}`);
  const text = `HTTP status ${status}, retry after ${Math.ceil(wait / 1_000)} s`;
  return wait > retryPolicy.longestRetryAfterMs ? new Refusal(text) : new Busy(text, wait);
}
