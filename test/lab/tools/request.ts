export interface Response {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** Fails when nothing arrives for `stallTimeoutMs`. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Lets the connection go without reading the body. */
  readonly close: () => void;
}

/** The host cannot be reached at all: trying again within this run is of no use. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** From the call to the answer's first line, redirects included. */
const answerTimeoutMs = 8000;
/** Between two pieces of the body. */
const stallTimeoutMs = 30_000;

/** Hosts that could not be reached in this run: asking again would only wait again. */
const unreachable = new Map<string, string>();

/**
 * GET over HTTP(S), redirects followed.
 *
 * @throws {Unreachable} within 8 s when the host does not answer, at once when it did not earlier in this run.
 * @throws {Error} when the connection breaks off before the answer.
 */
export async function request(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const { host } = new URL(url);
  const known = unreachable.get(host);
  if (known !== undefined) throw new Unreachable(`${host} did not answer before: ${known}`);
  const abort = new AbortController();
  const slow = new Unreachable(`no answer within ${answerTimeoutMs / 1000} s`);
  const timer = setTimeout(() => {
    abort.abort(slow);
  }, answerTimeoutMs);
  try {
    // Without "identity" a server may compress, and then lengths and ranges count other bytes.
    const answer = await fetch(url, {
      headers: { "accept-encoding": "identity", ...headers },
      signal: abort.signal,
    });
    return {
      status: answer.status,
      header: (name) => answer.headers.get(name) ?? undefined,
      body: answer.body === null ? nothing() : guarded(answer.body, abort),
      close: () => {
        abort.abort();
      },
    };
  } catch (error) {
    // undici says "fetch failed" and keeps the reason as the cause.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = `${host}: ${cause instanceof Error ? cause.message : String(cause)}`;
    if (cause !== slow && !cannotConnect.has(codeOf(cause))) throw new Error(reason, { cause: error });
    unreachable.set(host, reason);
    throw new Unreachable(reason, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Codes of getaddrinfo(3), connect(2) and undici that mean: no connection came about. */
const cannotConnect = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

async function* guarded(body: AsyncIterable<Uint8Array>, abort: AbortController): AsyncGenerator<Uint8Array> {
  const watch = (): NodeJS.Timeout =>
    setTimeout(() => {
      abort.abort(new Error(`nothing arrived for ${stallTimeoutMs / 1000} s`));
    }, stallTimeoutMs);
  let timer = watch();
  try {
    for await (const chunk of body) {
      clearTimeout(timer);
      yield chunk;
      timer = watch();
    }
  } finally {
    clearTimeout(timer);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A body of no bytes.
}
