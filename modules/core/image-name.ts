/**
 * Image names as people write them. A bundle, a site and its registry have only full names: `registry[:port]/repository:tag`.
 * Grammar: distribution/reference 0.6; distribution specification 1.1, "Pulling manifests".
 */

/** What is wrong with a name, and the fix. */
export interface NameProblem {
  readonly found: string;
  readonly expected: string;
  readonly fix: string;
}

/** A valid name. */
export interface ImageReference {
  /** `registry[:port]/repository:tag` */
  readonly name: string;
  /** `sha256:…`, when the name ends with one. */
  readonly digest?: string;
}

/**
 * Parses `registry[:port]/repository:tag` or `registry[:port]/repository:tag@sha256:…`.
 *
 * @returns what is wrong with any other text, with the name that was probably meant.
 */
export function readImageName(text: string): ImageReference | NameProblem {
  const at = text.indexOf("@");
  const [name, digest] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  const refused = (expected: string, fix: string): NameProblem => ({
    found: JSON.stringify(text.length > maxShown ? `${text.slice(0, maxShown)}…` : text),
    expected,
    fix,
  });
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest))
    return refused("sha256: and 64 lower-case hex digits after @", "correct the digest, or remove it");
  if (name.startsWith("["))
    return refused(
      "a registry with a DNS name or an IPv4 address: a repository name cannot contain an IPv6 address",
      "give the registry a DNS name and use it",
    );
  const tag = /:([^:/]*)$/.exec(name)?.[1];
  const repository = tag === undefined ? name : name.slice(0, -tag.length - 1);
  if (tag === undefined || tag === "")
    return refused(
      "a full name with registry and tag",
      `add the tag: write ${fullRepository(repository)}:<tag>${digest === undefined ? "" : `@${digest}`}`,
    );
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(tag))
    return refused("a tag of letters, digits, dots, dashes and underscores, at most 128", "correct the tag");
  const suggestion = fullRepository(repository);
  const [registry = "", ...path] = suggestion.split("/");
  if (suggestion !== suggestion.toLowerCase())
    return refused(
      "a registry and a repository in lower-case letters",
      `write ${suggestion.toLowerCase()}:${tag}`,
    );
  if (!hosts.test(registry) || path.length === 0 || !path.every((one) => components.test(one)))
    return refused(
      "registry[:port]/repository:tag, where the repository consists of letters and digits, separated by one dot, one or two underscores, or dashes",
      "correct the name; example: docker.io/library/busybox:1.37",
    );
  if (suggestion.length > maxRepository)
    return refused(
      `registry and repository of at most ${maxRepository} characters`,
      "copy the image to a shorter name",
    );
  if (suggestion !== repository)
    return refused(
      "a full name with registry and tag",
      `write ${suggestion}:${tag}${digest === undefined ? "" : `@${digest}`}`,
    );
  return { name, ...(digest === undefined ? {} : { digest }) };
}

/** Whether it was taken. */
export function isImageReference(read: ImageReference | NameProblem): read is ImageReference {
  return "name" in read;
}

/** The name that Docker derives from a text: `docker.io/library/nginx:1` from `nginx:1`. Nothing is refused. */
export function fullImageName(text: string): string {
  const tag = /:([^:/]*)$/.exec(text)?.[1];
  const repository = tag === undefined ? text : text.slice(0, -tag.length - 1);
  return `${fullRepository(repository)}${tag === undefined ? "" : `:${tag}`}`;
}

/**
 * The name of a repository inside another registry, where a colon is not allowed: `registry.corp:5000/team/app` becomes
 * `registry.corp_5000/team/app`. No registry has an underscore in its name, so that names cannot collide.
 */
export function placedName(name: string): string {
  return name.replace(/^([^/:]+):([0-9]+)(?=\/|$)/, "$1_$2");
}

/** Docker Hub has several names, and its official images omit the first component. */
function fullRepository(repository: string): string {
  const slash = repository.indexOf("/");
  const first = slash < 0 ? "" : repository.slice(0, slash);
  const isRegistry = /[.:]/.test(first) || first === "localhost";
  const rest = isRegistry ? repository.slice(slash + 1) : repository;
  if (isRegistry && !hubs.has(first)) return repository;
  return `docker.io/${rest.includes("/") ? rest : `library/${rest}`}`;
}

const hubs = new Set(["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);
const components = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
const hosts = /^[a-z0-9]+((\.|-+)[a-z0-9]+)*(:[0-9]{1,5})?$/;
/** distribution/reference, RepositoryNameTotalLengthMax; inside another registry, the registry is part of the name. */
const maxRepository = 255;
const maxShown = 120;
