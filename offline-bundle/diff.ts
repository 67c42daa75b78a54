/** What differs between two bundles or locks, and what must be transferred to get from one to the other. Pure. */
import type { Contents } from "./oci/contents.ts";
import type { Lock, LockedFile, LockedImage } from "./spec/lock-file.ts";
import { type ProjectField, projectFields, projectTexts } from "./spec/project-fields.ts";
import type { Member } from "./upstream/members.ts";
import { label } from "./spec/bundle-spec.ts";

export interface BundleDifference {
  readonly serial: { readonly from: number; readonly to: number };
  readonly items: readonly ItemDifference[];
  /** What a side with the first bundle needs for the second; undefined when one of the two is only a lock. */
  readonly carry: { readonly blobs: number; readonly bytes: number } | undefined;
}

export interface ItemDifference {
  readonly change: "added" | "removed" | "changed";
  /** `bundle`: the properties of the lock itself. */
  readonly kind: "bundle" | "file" | "image";
  /** `docker linux/amd64`, the name of an image, or `bundle`. */
  readonly item: string;
  readonly details: readonly Detail[];
  /** Files inside an archive, as an SBOM would list them. */
  readonly members?: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
}

/** One property; an absent side means that it was added or removed. */
export interface Detail {
  readonly what:
    | "version"
    | "bytes"
    | "sha256"
    | "digest"
    | "integrity"
    | "licence"
    | "url"
    | "kind"
    | "package"
    | "manifest"
    | "from"
    | "platforms"
    | "expires"
    | "sources"
    | "origin"
    | "signedBy"
    | ProjectField;
  readonly from?: string | number;
  readonly to?: string | number;
}

/** The differences from `a` to `b`; no items when their contents are the same. */
export function diffContents(a: Contents, b: Contents): BundleDifference {
  return {
    serial: { from: a.lock.serial, to: b.lock.serial },
    items: [...lockItem(a.lock, b.lock), ...fileItems(a.lock.files, b.lock.files), ...imageItems(a, b)],
    carry: transferOf(a, b),
  };
}

/** Whether there is nothing to report. */
export function isSame({ items, serial }: BundleDifference): boolean {
  return items.length === 0 && serial.from === serial.to;
}

function transferOf({ packed: a }: Contents, { packed: b }: Contents): BundleDifference["carry"] {
  if (a === undefined || b === undefined) return undefined;
  const missing = [...b.blobs].filter(([sha256]) => !a.blobs.has(sha256));
  return { blobs: missing.length, bytes: missing.reduce((sum, [, bytes]) => sum + bytes, 0) };
}

/** The properties of the lock itself. */
function lockItem(a: Lock, b: Lock): readonly ItemDifference[] {
  const details = [
    ...detail("platforms", a.platforms.join(" "), b.platforms.join(" ")),
    ...detail("expires", a.expires, b.expires),
  ];
  return details.length === 0 ? [] : [{ change: "changed", kind: "bundle", item: "bundle", details }];
}

/** One removed and one added version of the same name and platform are a change of version; other cases are listed one by one. */
function fileItems(a: readonly LockedFile[], b: readonly LockedFile[]): readonly ItemDifference[] {
  const items = new Set([...a, ...b].map(itemOf));
  return [...items].flatMap((item) => {
    const [mineA, mineB] = [a, b].map((all) => all.filter((file) => itemOf(file) === item));
    const before = mineA ?? [];
    const now = mineB ?? [];
    const gone = before.filter((file) => !now.some(({ version }) => version === file.version));
    const come = now.filter((file) => !before.some(({ version }) => version === file.version));
    const stayed = now.flatMap((file) => {
      const was = before.find(({ version }) => version === file.version);
      return was === undefined ? [] : changedFile(was, file);
    });
    const [out, into] = [gone[0], come[0]];
    if (gone.length === 1 && come.length === 1 && out !== undefined && into !== undefined)
      return [...changedFile(out, into), ...stayed];
    return [
      ...gone.map((file) => fileDifference("removed", file)),
      ...come.map((file) => fileDifference("added", file)),
      ...stayed,
    ];
  });
}

function itemOf({ name, platform }: LockedFile): string {
  return `${name} ${platform}`;
}

function fileDifference(change: "added" | "removed", file: LockedFile): ItemDifference {
  const [before, now] = change === "added" ? [{}, file] : [file, {}];
  return { change, kind: "file", item: label(file), details: fileDetails(before, now) };
}

function fileDetails(a: Partial<LockedFile>, b: Partial<LockedFile>): readonly Detail[] {
  return [
    ...detail("version", a.version, b.version),
    ...detail("bytes", a.bytes, b.bytes),
    ...detail("sha256", a.sha256, b.sha256),
    ...detail("integrity", a.integrity, b.integrity),
    ...detail("licence", a.licence, b.licence),
    ...detail("kind", a.kind, b.kind),
    ...detail("package", a.package, b.package),
    ...detail("url", a.url, b.url),
    ...detail("manifest", a.manifest, b.manifest),
    ...detail("sources", a.sources?.join(", "), b.sources?.join(", ")),
    ...detail("origin", a.origin, b.origin),
    ...detail("signedBy", a.signedBy, b.signedBy),
    ...projectDetails(a.project, b.project),
  ];
}

function projectDetails(a: LockedFile["project"], b: LockedFile["project"]): readonly Detail[] {
  const [before, now] = [a, b].map((one) => (one === undefined ? undefined : projectTexts(one)));
  return projectFields.flatMap((what) => detail(what, before?.[what], now?.[what]));
}

function changedFile(a: LockedFile, b: LockedFile): readonly ItemDifference[] {
  const details = fileDetails(a, b);
  const inner = memberChanges(a.members, b.members);
  if (details.length === 0 && Object.values(inner.members ?? {}).every((paths) => paths.length === 0))
    return [];
  const item = a.version === b.version ? label(b) : itemOf(b);
  return [{ change: "changed", kind: "file", item, details, ...inner }];
}

function memberChanges(
  a: readonly Member[] | undefined,
  b: readonly Member[] | undefined,
): Pick<ItemDifference, "members"> {
  if (a === undefined && b === undefined) return {};
  const [before, now] = [a, b].map((all) => new Map(all?.map((one) => [one.path, one])));
  const [was, is] = [before ?? new Map<string, Member>(), now ?? new Map<string, Member>()];
  return {
    members: {
      added: [...is.keys()].filter((path) => !was.has(path)),
      removed: [...was.keys()].filter((path) => !is.has(path)),
      changed: [...is.values()]
        .filter(({ path, bytes, sha256 }) => {
          const old = was.get(path);
          return old !== undefined && (old.sha256 !== sha256 || old.bytes !== bytes);
        })
        .map(({ path }) => path),
    },
  };
}

function imageItems(a: Contents, b: Contents): readonly ItemDifference[] {
  const names = new Set([...a.lock.images, ...b.lock.images].map(({ name }) => name));
  return [...names].flatMap((item): readonly ItemDifference[] => {
    const [was, is] = [a, b].map(({ lock }) => lock.images.find(({ name }) => name === item));
    const [bytesWas, bytesIs] = [a, b].map(({ packed }) => packed?.imageBytes.get(item));
    const details = [
      ...detail("digest", was?.digest, is?.digest),
      ...detail("platforms", platforms(was), platforms(is)),
      ...detail("from", was?.from, is?.from),
      ...detail("signedBy", was?.signedBy, is?.signedBy),
      ...(was === undefined || is === undefined
        ? []
        : detail("sources", was.sources.join(", "), is.sources.join(", "))),
      // A lock alone has no such value, which is not a difference.
      ...(a.packed === undefined || b.packed === undefined ? [] : detail("bytes", bytesWas, bytesIs)),
    ];
    if (details.length === 0) return [];
    const change = was === undefined ? "added" : is === undefined ? "removed" : "changed";
    return [{ change, kind: "image", item, details }];
  });
}

function platforms(image: LockedImage | undefined): string | undefined {
  return image?.platforms.join(" ");
}

function detail(
  what: Detail["what"],
  from: string | number | undefined,
  to: string | number | undefined,
): readonly Detail[] {
  if (from === to) return [];
  return [{ what, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
}
