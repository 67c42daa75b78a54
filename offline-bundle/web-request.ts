/** One GET over https: through the proxy of the environment, with the login of the host, redirects looked at first. */
import type { EnvHttpProxyAgent } from "undici";
import { Arriving } from "./arriving.ts";
import { authorization } from "./docker-config.ts";
import { limits } from "./limits.ts";

/** An answer that another try would not change. */
export class Refusal extends Error {}

export interface Answer {
  readonly status: number;
  /** A header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly body: Arriving;
}

/**
 * Asks for `url`. Follows redirects, to https only, and logs in to the host of `url` alone: a host that is
 * redirected to gets no login, not even its own, for who redirects would choose what is done by it. HTTPS_PROXY, HTTP_PROXY
 * and NO_PROXY count, as do their lower-case forms; more headers than limits.headers are an error of the connection; certificates are those of Node and of NODE_EXTRA_CA_CERTS.
 *
 * @param headers besides those of the login.
 * @throws {Refusal} for a redirect that is not followed; the error of the connection otherwise.
 */
export async function request(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const undici = await import("undici");
  agent ??= new undici.EnvHttpProxyAgent({ maxHeaderSize: limits.headers });
  let place = url;
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const asked = place.protocol === "https:" && place.host === url.host;
    const login = asked ? await authorization(place.host) : undefined;
    const answer = await undici.request(place, {
      dispatcher: agent,
      signal,
      // What is pinned is the file as it is stored, not as some server packs it.
      headers: {
        "accept-encoding": "identity",
        ...headers,
        ...(login === undefined ? {} : { authorization: login }),
      },
    });
    const header = (name: string): string | undefined => [answer.headers[name] ?? []].flat()[0];
    const target = redirectCodes.has(answer.statusCode) ? header("location") : undefined;
    if (target === undefined) return { status: answer.statusCode, header, body: new Arriving(answer.body) };
    await answer.body.dump();
    place = follow(place, target);
  }
  throw new Refusal(`more than ${mostRedirects} redirects`);
}

/** Loaded with the first request: a build from the store needs none. */
let agent: EnvHttpProxyAgent | undefined;
const redirectCodes = new Set([301, 302, 303, 307, 308]);
const mostRedirects = 10;

function follow(from: URL, target: string): URL {
  if (!URL.canParse(target, from.href)) throw new Refusal("a redirect to nowhere");
  const place = new URL(target, from.href);
  // The rest of such a url is often a secret of its own: a signature.
  const shown = `${place.origin}${place.pathname}`;
  if (from.protocol === "https:" && place.protocol !== "https:") throw new Refusal(`a redirect to ${shown}`);
  if (!/^https?:$/.test(place.protocol)) throw new Refusal(`a redirect to ${place.protocol}`);
  return place;
}
