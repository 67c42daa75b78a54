/** The SBOM of Sealift itself in CycloneDX 1.6, from package-lock.json. The same lock file gives the same text. Pure. */
import { cycloneDxHead } from "./cyclonedx.ts";
import { dateText } from "./sbom.ts";

/** package-lock.json, lockfileVersion 3 (npm 11, package-lock-json(5)): paths below the checkout -> packages; "" is Sealift itself. */
export interface PackageLock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export interface LockedPackage {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  /** Subresource integrity: `sha512-` and base64. */
  readonly integrity?: string;
  /** Needed only by Sealift's own tests and checks. */
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/**
 * Everything that `npm ci --omit=dev` installs, with licence, hash and dependents; what only some platforms need is `optional`.
 *
 * @param lockSha256 sha256 of package-lock.json, 64 hex digits.
 * @param date creation date; undefined: none.
 */
export function toolkitSbom({ packages }: PackageLock, lockSha256: string, date: Date | undefined): object {
  const { version = "", license } = packages[""] ?? {};
  const paths = Object.keys(packages)
    .filter((path) => path !== "" && packages[path]?.dev !== true)
    .sort();
  return {
    ...cycloneDxHead(lockSha256),
    metadata: {
      ...(date === undefined ? {} : { timestamp: dateText(date) }),
      tools: { components: [{ type: "application", name: "sealift", version }] },
      component: {
        type: "application",
        "bom-ref": "sealift",
        name: "sealift",
        version,
        hashes: [{ alg: "SHA-256", content: lockSha256 }],
        ...licenceOf(license),
        description: "The hash is that of package-lock.json, which pins every package.",
      },
    },
    components: paths.map((path) => component(path, packages[path] ?? {})),
    dependencies: ["", ...paths].map((path) => ({
      ref: path === "" ? "sealift" : path,
      dependsOn: needsOf(packages, path),
    })),
  };
}

function component(path: string, locked: LockedPackage): object {
  const full = locked.name ?? nameOf(path);
  const [, group, name = full] = /^(@[^/]+)\/(.+)$/.exec(full) ?? [];
  const { version = "", integrity = "" } = locked;
  const optional = locked.optional === true || locked.devOptional === true;
  return {
    type: "library",
    "bom-ref": path,
    ...(group === undefined ? {} : { group }),
    name,
    version,
    scope: optional ? "optional" : "required",
    hashes: [
      { alg: "SHA-512", content: Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex") },
    ],
    ...licenceOf(locked.license),
    purl: `pkg:npm/${full.replace("@", "%40")}@${encodeURIComponent(version)}`,
  };
}

/** An SPDX expression where it is valid; a sentence such as "SEE LICENSE IN LICENSE" becomes a name. */
function licenceOf(licence: string | undefined): object {
  if (licence === undefined) return {};
  return /^SEE /.test(licence)
    ? { licenses: [{ license: { name: licence } }] }
    : { licenses: [{ expression: licence }] };
}

/** The paths of a package's dependencies, as Node resolves them: in its own node_modules, then in the parents'. */
function needsOf(packages: PackageLock["packages"], from: string): readonly string[] {
  const { dependencies, optionalDependencies, peerDependencies } = packages[from] ?? {};
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  const paths = names.flatMap((name) => {
    for (let folder: string | undefined = from; folder !== undefined; folder = above(folder)) {
      const path = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
      const found = packages[path];
      if (found !== undefined) return found.dev === true ? [] : [path];
    }
    // An optional dependency for a platform may be absent from the lock file.
    return [];
  });
  return [...new Set(paths)].sort();
}

/** The package whose node_modules contains this one; undefined above the checkout. */
function above(path: string): string | undefined {
  if (path === "") return undefined;
  return path.slice(0, Math.max(0, path.lastIndexOf("node_modules/") - 1));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}
