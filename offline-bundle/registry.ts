/** A registry, spoken to by oras: where it is, whom it trusts, and who asks. */
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type ErrorCode, type Problem, SealiftError } from "../modules/core/errors.ts";
import { limits } from "./limits.ts";
import { longest, usualPatience } from "./patience.ts";
import { inheritedFile, type OrasOptions, orasBytes, undefinedWhenAbsent } from "./oras.ts";

export interface RegistryAccess {
  /** Certificates to trust besides those of the system. */
  readonly caFile?: string;
  /** Without TLS; only to a registry on this machine. */
  readonly plainHttp?: boolean;
  /** Who asks; absent: as Docker's configuration says (DOCKER_CONFIG, or ~/.docker). */
  readonly login?: { readonly username: string; readonly password: string };
}

export interface Registry {
  /** `host[:port][/path]`, as given. */
  readonly reference: string;
  /** Runs a command of oras that has one place, such as `resolve`. @param names what it is about, the place first. */
  readonly ask: (verb: readonly string[], ...names: readonly string[]) => Promise<string>;
  /**
   * The lines of a command that lists something.
   * @param most more of them are refused, and more than limits.list bytes. @param what they are, for the refusal.
   */
  readonly list: (
    verb: readonly string[],
    name: string,
    most: number,
    what: string,
  ) => Promise<readonly string[]>;
  /**
   * Copies a manifest and all that it names from a layout in `directory` into a repository, without a tag.
   * @param digest `sha256:…` @param bytes what it and all that it names take. @returns what oras says about each blob.
   */
  readonly copyFrom: (
    directory: string,
    digest: string,
    bytes: number,
    repository: string,
  ) => Promise<string>;
  /** The bytes of a manifest, as the registry serves them. @param reference with its tag, or with its digest. */
  readonly manifest: (reference: string) => Promise<Buffer>;
  /** The digest that a tag stands for; undefined when there is no such tag. */
  readonly resolve: (target: string) => Promise<string | undefined>;
}

/**
 * Does work with a registry. A password is never in an argument, nor in a file that has a name.
 *
 * @param reference `host[:port][/path]`; everything is below the path.
 * @throws {SealiftError} E_VALUE for a reference that is none, or plain http over a network; E_LOGIN when the registry lets
 * nobody in, or not with this password; E_REGISTRY for everything else that it refuses; E_TOOL without oras.
 */
export async function withRegistry<T>(
  reference: string,
  access: RegistryAccess,
  work: (registry: Registry) => Promise<T>,
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
        throw told(error, reference, names.at(-1) ?? "");
      },
    );
  const ask: Registry["ask"] = async (verb, ...names) =>
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
        const timeoutMs = longest(bytes, usualPatience);
        return (await run(verb, [digest, repository], { timeoutMs })).toString();
      },
      manifest: (name) => run(["manifest", "fetch", ...flags("")], [name], { most: limits.manifest }),
      resolve: (target) => ask(["resolve"], target).catch(undefinedWhenAbsent),
    });
  } finally {
    await secret?.close();
  }
}

/** A registry that speaks of more than it could honestly have. */
export class TooMany extends SealiftError {
  constructor(where: string, subject: string, most: number) {
    const [got, expected] = [`more than ${most}`, `at most ${most}`];
    const todo = "ask who looks after the registry; name a path below which there is less: <registry>/<path>";
    super([{ where, code: "E_REGISTRY", subject, got, expected, todo }]);
  }
}

/** Docker's configuration with one password, in a file that has lost its name before anything is in it. */
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

/** A failure of oras in our words: which reference, and whether it is about who asks. */
function told(error: unknown, where: string, subject: string): unknown {
  if (!(error instanceof SealiftError)) return error;
  return new SealiftError(
    error.problems.map((problem): Problem => {
      if (problem.code !== "E_REGISTRY") return problem;
      const { got } = problem;
      const login = /unauthorized|\b401\b|\b403\b|credential not found|authentication required/i.test(got);
      const code: ErrorCode = login ? "E_LOGIN" : "E_REGISTRY";
      const expected = login ? "a login that may do this" : "an answer";
      const todo = login
        ? "give --username and the password on stdin, or log in with docker login"
        : (siteRegistryTodo(got) ??
          "check name, network, --ca-file and that it runs; then run it again: what is there already is skipped");
      return { where, code, subject, got, expected, todo };
    }),
  );
}

/** What to do when it may be a registry of a Sealift site, whose writer has a port of its own that few reach; undefined otherwise. */
function siteRegistryTodo(got: string): string | undefined {
  if (/\b405\b|unsupported/i.test(got))
    return "a registry of a Sealift site takes bundles on the port of its writer (registry.writerPort, 5001 by default), not on the reader's";
  if (!/connection refused|i\/o timeout|context deadline exceeded|no route to host/i.test(got))
    return undefined;
  return (
    "check name, port and that it runs; a registry of a Sealift site lets only its own host write, until the site file has " +
    "registry.writerNetworks: [<network of this machine>/24] and pulumi up was run; then push again"
  );
}

function refuseReference(reference: string, { plainHttp }: RegistryAccess): void {
  const problem = (subject: string, got: string, expected: string, todo: string): SealiftError =>
    new SealiftError([{ where: reference, code: "E_VALUE", subject, got, expected, todo }]);
  if (
    !/^[a-z0-9][a-z0-9.-]*(:\d+)?(\/[a-z0-9._-]+)*$|^\[[0-9a-f:]+\](:\d+)?(\/[a-z0-9._-]+)*$/i.test(reference)
  )
    throw problem("registry", reference, "host[:port][/path]", "leave out the scheme and the tag");
  if (plainHttp !== true || /^(localhost|127(\.\d+){3}|\[::1\])(:|\/|$)/.test(reference)) return;
  const expected = "--plain-http for a registry on this machine only";
  throw problem(
    "--plain-http",
    "a registry on the network",
    expected,
    "give the registry TLS and use --ca-file",
  );
}
