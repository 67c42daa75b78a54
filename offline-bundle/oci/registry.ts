/** A registry, accessed through oras: its address, its trusted certificates, and the credentials. */
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type ErrorCode, type Problem, SealiftError } from "../../modules/core/errors.ts";
import { limits } from "../io/limits.ts";
import { maxTransferMs, defaultRetryPolicy } from "../http/retry-policy.ts";
import { inheritedFile, type OrasOptions, orasBytes, undefinedWhenAbsent } from "./oras.ts";

export interface RegistryAccess {
  /** Trusted CA certificates in addition to those of the system. */
  readonly caFile?: string;
  /** Plain HTTP; only for a registry on this machine. */
  readonly plainHttp?: boolean;
  /** Credentials; absent: those of the Docker configuration (DOCKER_CONFIG, or ~/.docker). */
  readonly login?: { readonly username: string; readonly password: string };
}

export interface RegistryClient {
  /** `host[:port][/path]`, as given. */
  readonly reference: string;
  /** Runs an oras command with one reference, such as `resolve`. @param names operands, the reference first. */
  readonly ask: (verb: readonly string[], ...names: readonly string[]) => Promise<string>;
  /**
   * The output lines of a command that lists something.
   *
   * @param most limit on lines; limits.list limits the bytes.
   * @param what the lines are, for the message.
   */
  readonly list: (
    verb: readonly string[],
    name: string,
    most: number,
    what: string,
  ) => Promise<readonly string[]>;
  /**
   * Copies a manifest and everything that it references from a layout in `directory` into a repository, without a tag.
   *
   * @param digest `sha256:…`
   * @param bytes total length of the manifest and what it references.
   * @returns what oras prints about each blob.
   */
  readonly copyFrom: (
    directory: string,
    digest: string,
    bytes: number,
    repository: string,
  ) => Promise<string>;
  /** The bytes of a manifest, as the registry serves them. @param reference with its tag or its digest. */
  readonly manifest: (reference: string) => Promise<Buffer>;
  /** The digest that a tag points to; undefined when there is no such tag. */
  readonly resolve: (target: string) => Promise<string | undefined>;
}

/**
 * Runs work with a registry. A password never appears in an argument, nor in a file that has a name.
 *
 * @param reference `host[:port][/path]`; everything is below the path.
 * @throws {SealiftError} E_VALUE for an invalid reference, or plain HTTP over a network; E_LOGIN when the registry requires
 * credentials or rejects them; E_REGISTRY for any other failure; E_TOOL without oras.
 */
export async function withRegistry<T>(
  reference: string,
  access: RegistryAccess,
  work: (registry: RegistryClient) => Promise<T>,
): Promise<T> {
  refuseReference(reference, access);
  const [host = ""] = reference.split("/", 1);
  const secret = access.login === undefined ? undefined : await secretFile(host, access.login);
  const flags = (prefix: string): readonly string[] => [
    ...(access.caFile === undefined ? [] : [`--${prefix}ca-file`, access.caFile]),
    ...(access.plainHttp === true ? [`--${prefix}plain-http`] : []),
    ...(secret === undefined ? [] : [`--${prefix}registry-config`, inheritedFile]),
  ];
  const inherited = secret === undefined ? {} : { inherited: secret.fd };
  const run = (
    verb: readonly string[],
    names: readonly string[],
    more: Pick<OrasOptions, "most" | "timeoutMs"> = {},
  ): Promise<Buffer> =>
    orasBytes(verb, names, process.cwd(), { code: "E_REGISTRY", ...more, ...inherited }).catch(
      (error: unknown) => {
        throw registryError(error, reference, names.at(-1) ?? "");
      },
    );
  const ask: RegistryClient["ask"] = async (verb, ...names) =>
    (await run([...verb, ...flags("")], names)).toString().trimEnd();
  try {
    return await work({
      reference,
      ask,
      list: async (verb, name, most, what) => {
        const text = (await run([...verb, ...flags("")], [name], { most: limits.list })).toString();
        const lines = text.split("\n").filter((line) => line !== "");
        if (lines.length > most) throw new TooMany(reference, what, most);
        return lines;
      },
      copyFrom: async (directory, digest, bytes, repository) => {
        const from = ["--from-oci-layout-path", resolve(directory)];
        const verb = ["copy", "--no-tty", ...flags("to-"), ...from];
        const timeoutMs = maxTransferMs(bytes, defaultRetryPolicy);
        return (await run(verb, [digest, repository], { timeoutMs })).toString();
      },
      manifest: (name) => run(["manifest", "fetch", ...flags("")], [name], { most: limits.manifest }),
      resolve: (target) => ask(["resolve"], target).catch(undefinedWhenAbsent),
    });
  } finally {
    await secret?.close();
  }
}

/** The problem of a registry that lists more than any real one has. */
export class TooMany extends SealiftError {
  constructor(where: string, subject: string, most: number) {
    const [found, expected] = [`more than ${most}`, `at most ${most}`];
    const fix = "ask the registry administrator, or name a path with fewer repositories: <registry>/<path>";
    super([{ where, code: "E_REGISTRY", subject, found, expected, fix }]);
  }
}

/** Docker's configuration with one password, in a file that is unlinked before anything is written to it. */
async function secretFile(
  host: string,
  { username, password }: NonNullable<RegistryAccess["login"]>,
): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "sealift-"));
  try {
    const file = await open(join(folder, "config.json"), "wx+", 0o600);
    await rm(folder, { recursive: true });
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    await file.writeFile(JSON.stringify({ auths: { [host]: { auth } } }));
    return file;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** A failure of oras as a problem: with its reference, and whether it concerns the credentials. */
function registryError(error: unknown, where: string, subject: string): unknown {
  if (!(error instanceof SealiftError)) return error;
  return new SealiftError(
    error.problems.map((problem): Problem => {
      if (problem.code !== "E_REGISTRY") return problem;
      const { found } = problem;
      const login = /unauthorized|\b401\b|\b403\b|credential not found|authentication required/i.test(found);
      const code: ErrorCode = login ? "E_LOGIN" : "E_REGISTRY";
      const expected = login ? "a login with permission for this" : "a response from the registry";
      const fix = login
        ? "give --username and the password on stdin, or log in with docker login"
        : (siteRegistryTodo(found) ??
          "check the name, the network, --ca-file and that the registry runs; then run the command again: content that is already there is skipped");
      return { where, code, subject, found, expected, fix };
    }),
  );
}

/**
 * The fix for what may be a registry of a Sealift site, whose writer has a port of its own that few clients may reach; undefined
 * otherwise.
 */
function siteRegistryTodo(found: string): string | undefined {
  if (/\b405\b|unsupported/i.test(found))
    return "a registry of a Sealift site accepts bundles on the writer's port (registry.writerPort, default 5001), not on the reader's";
  if (!/connection refused|i\/o timeout|context deadline exceeded|no route to host/i.test(found))
    return undefined;
  return (
    "check the name, the port and that the registry runs; a registry of a Sealift site accepts writes only from its own host until the site file has " +
    "registry.writerNetworks: [<network of this machine>/24] and pulumi up has run; then push again"
  );
}

function refuseReference(reference: string, { plainHttp }: RegistryAccess): void {
  const problem = (subject: string, found: string, expected: string, fix: string): SealiftError =>
    new SealiftError([{ where: reference, code: "E_VALUE", subject, found, expected, fix }]);
  if (
    !/^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9._-]+)*$|^\[[0-9a-f:]+\](:\d+)?(\/[a-z0-9._-]+)*$/i.test(reference)
  )
    throw problem("registry", reference, "host[:port][/path]", "remove the scheme and the tag");
  if (plainHttp !== true || /^(localhost|127(\.\d+){3}|\[::1\])(:|\/|$)/.test(reference)) return;
  const expected = "--plain-http only with a registry on this machine";
  throw problem(
    "--plain-http",
    "a registry on the network",
    expected,
    "give the registry TLS and use --ca-file",
  );
}
