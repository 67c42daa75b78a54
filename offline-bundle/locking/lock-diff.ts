/** What to review when a lock has changed: one row per item. */
import { digestOfBytes } from "../io/digest.ts";
import type { Lock, LockedFile, LockedImage } from "../spec/lock-file.ts";
import { projectFields, projectTexts } from "../spec/project-fields.ts";
import type { Member } from "../upstream/members.ts";

export interface LockDifference {
  /** Name and, for a file, its platform. */
  readonly item: string;
  /** `pin`, `version`, `sha256`, … */
  readonly what: string;
  /** Absent when it was added. */
  readonly from?: string;
  /** Absent when it was removed. */
  readonly to?: string;
}

/** @param before absent: there was no lock. */
export function lockDifferences(before: Lock | undefined, after: Lock): readonly LockDifference[] {
  const old: Pick<Lock, "platforms" | "expires" | "files" | "images"> = before ?? {
    platforms: [],
    files: [],
    images: [],
  };
  return [
    ...differ("bundle", ofLock(old), ofLock(after)),
    ...items(old.files.map(ofFile), after.files.map(ofFile)),
    ...items(old.images.map(ofImage), after.images.map(ofImage)),
  ];
}

function ofLock({ platforms, expires }: Pick<Lock, "platforms" | "expires">): Fields {
  return { platforms: platforms.join(" "), expires };
}

type Fields = Readonly<Record<string, string | undefined>>;

interface Item {
  /** The same for all versions of an item. */
  readonly name: string;
  readonly version: string;
  readonly fields: Fields;
}

function ofFile(file: LockedFile): Item {
  const { name, version, platform, kind, url, bytes, sha256, licence, sources, members, manifest } = file;
  const { integrity } = file;
  return {
    name: `${name} ${platform}`,
    version,
    fields: {
      ...{ version, sha256, bytes: bytes?.toString(), integrity, url, manifest, kind, licence },
      package: file.package,
      members: members === undefined ? undefined : summary(members),
      ...(file.project === undefined ? noProject : projectTexts(file.project)),
      sources: sources.join(", "),
      origin: file.origin,
      signedBy: file.signedBy,
    },
  };
}

/** So that each of its fields is compared, whichever lock has it. */
const noProject = Object.fromEntries(projectFields.map((what) => [what, undefined]));

function ofImage({ name, from, digest, signedBy, platforms, sources }: LockedImage): Item {
  const fields = { digest, signedBy, from, platforms: platforms.join(" "), sources: sources.join(", ") };
  return { name: name.replace(/:[^:/]*$/, ""), version: name.replace(/^.*:/, ""), fields };
}

/** Files inside, in short: their number, and a hash that tells two lists apart. */
function summary(members: readonly Member[]): string {
  const lines = members.map(({ path, bytes, sha256 }) => `${path} ${bytes} ${sha256}`);
  return `${members.length} files (${digestOfBytes(lines.join("\n")).sha256.slice(0, 8)})`;
}

function items(before: readonly Item[], after: readonly Item[]): readonly LockDifference[] {
  const same = (a: Item, b: Item): boolean => a.name === b.name && a.version === b.version;
  const gone = before.filter((one) => !after.some((other) => same(one, other)));
  const come = after.filter((one) => !before.some((other) => same(one, other)));
  // One removed and one added version of the same item are a changed version.
  const follower = (one: Item): Item | undefined => {
    const [mine, theirs] = [gone, come].map((list) => list.filter(({ name }) => name === one.name));
    return mine?.length === 1 && theirs?.length === 1 ? theirs[0] : undefined;
  };
  const followed = gone.flatMap((one) => follower(one) ?? []);
  return [
    ...after.flatMap((one) => {
      const old = before.find((other) => same(one, other));
      return old === undefined ? [] : differ(`${one.name} ${one.version}`, old.fields, one.fields);
    }),
    ...gone.flatMap((one) => {
      const next = follower(one);
      if (next === undefined) return [{ item: one.name, what: "pin", from: pinOf(one) }];
      return differ(
        one.name,
        { ...one.fields, version: one.version },
        { ...next.fields, version: next.version },
      );
    }),
    ...come
      .filter((one) => !followed.includes(one))
      .map((one) => ({ item: one.name, what: "pin", to: pinOf(one) })),
  ];
}

function pinOf({ version, fields }: Item): string {
  const { sources = "", origin } = fields;
  const by = origin === undefined ? sources : `${origin}: ${sources}`;
  return `${version} ${fields["sha256"] ?? fields["digest"] ?? ""} (${by})`;
}

function differ(item: string, before: Fields, after: Fields): readonly LockDifference[] {
  return Object.keys(after).flatMap((what) => {
    const [from, to] = [before[what], after[what]];
    if (from === to || (from === "" && to === "")) return [];
    return [
      {
        ...{ item, what },
        ...(from === undefined || from === "" ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      },
    ];
  });
}
