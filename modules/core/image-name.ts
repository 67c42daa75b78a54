/**
 * Names of images as people write them. Inside a bundle, a site and its registry there are full names alone:
 * `registry[:port]/repository:tag`. Grammar: distribution/reference 0.6; distribution specification 1.1, "Pulling manifests".
 */

/** What is wrong with a name, and the next thing to do. */
export interface NameProblem {
  readonly got: string;
  readonly expected: string;
  readonly todo: string;
}

/** A name that was taken. */
export interface ImageReference {
  /** `registry[:port]/repository:tag` */
  readonly name: string;
  /** `sha256:…`, when the name ends with one. */
  readonly digest?: string;
}

/**
 * Reads `registry[:port]/repository:tag` or `registry[:port]/repository:tag@sha256:…`.
 *
 * @returns what is wrong with it where it is something else, with the name that was probably meant.
 */
export function readImageName(text: string): ImageReference | NameProblem {
  const at = text.indexOf("@");
  const [name, digest] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  const refused = (expected: string, todo: string): NameProblem => ({
    got: JSON.stringify(text.length > mostShown ? `${text.slice(0, mostShown)}…` : text),
    expected,
    todo,
  });
  if (digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(digest))
    return refused("sha256: and 64 lower-case hex digits behind @", "correct the digest, or leave it out");
  if (name.startsWith("["))
    return refused(
      "a registry by a DNS name or an IPv4 address: no repository can be called after an IPv6 address",
      "give the registry a name, and write that",
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
  const meant = fullRepository(repository);
  const [registry = "", ...path] = meant.split("/");
  if (meant !== meant.toLowerCase())
    return refused(
      "a registry and a repository in lower-case letters",
      `write ${meant.toLowerCase()}:${tag}; a registry knows no other`,
    );
  if (!hosts.test(registry) || path.length === 0 || !path.every((one) => components.test(one)))
    return refused(
      "registry[:port]/repository:tag, the parts of a repository made of letters and digits with one dot, one or two underscores or dashes between them",
      "correct the name; write it like docker.io/library/busybox:1.37",
    );
  if (meant.length > mostRepository)
    return refused(
      `registry and repository of at most ${mostRepository} characters`,
      "copy it to a shorter name",
    );
  if (meant !== repository)
    return refused(
      "a full name with registry and tag",
      `write ${meant}:${tag}${digest === undefined ? "" : `@${digest}`}`,
    );
  return { name, ...(digest === undefined ? {} : { digest }) };
}

/** Whether it was taken. */
export function isImageReference(read: ImageReference | NameProblem): read is ImageReference {
  return "name" in read;
}

/** The name that Docker reads in a text: `docker.io/library/nginx:1` in `nginx:1`. Nothing is refused. */
export function fullImageName(text: string): string {
  const tag = /:([^:/]*)$/.exec(text)?.[1];
  const repository = tag === undefined ? text : text.slice(0, -tag.length - 1);
  return `${fullRepository(repository)}${tag === undefined ? "" : `:${tag}`}`;
}

/**
 * The name of a repository inside another registry, which takes no colon: `registry.corp:5000/team/app` lies below it as
 * `registry.corp_5000/team/app`. No registry has an underscore in its name, so that two never meet.
 */
export function placedName(name: string): string {
  return name.replace(/^([^/:]+):([0-9]+)(?=\/|$)/, "$1_$2");
}

/** Docker Hub has several names, and leaves out the first part of what it owns itself. */
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
/** distribution/reference, RepositoryNameTotalLengthMax; the registry is a part of the name inside another one. */
const mostRepository = 255;
const mostShown = 120;
