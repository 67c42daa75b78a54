/** How rules across keys speak: every problem with its place, and what two rules share. */
import type { ErrorCode, Problem } from "../errors.ts";
import type { Locate, Path } from "../locate.ts";
import type { Sections, SiteFile } from "../merge.ts";
import { shown, subject } from "../shown.ts";

export type Say = (path: Path, code: ErrorCode, got: string, expected: string, todo: string) => Problem;

export function sayer(place: Locate): Say {
  return (path, code, got, expected, todo) => ({
    where: place(path),
    code,
    subject: subject(path),
    got,
    expected,
    todo,
  });
}

/** A section wherever it is written down: once for the site and once for each host of its own, however many inherit it. */
export function written<K extends keyof Sections>(
  file: SiteFile,
  key: K,
): [Path, NonNullable<Sections[K]>][] {
  const places: [Path, Sections][] = [
    [[], file],
    ...file.hosts.map((host, index): [Path, Sections] => [["hosts", index], host]),
  ];
  return places.flatMap(([path, sections]): [Path, NonNullable<Sections[K]>][] => {
    const section = sections[key];
    return section === undefined ? [] : [[[...path, key], section]];
  });
}

/** Where the section that a host has was written: at the host, or for the whole site. */
export function placeOf(file: SiteFile, host: number, key: keyof Sections): Path {
  return file.hosts[host]?.[key] === undefined ? [key] : ["hosts", host, key];
}

/** What many hosts inherit is told once. */
export function oncePerPlace(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ subject, code, got }) => {
    const key = `${subject} ${code} ${got}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** The second and later of equal values, each told with the place of the first. */
export function duplicates<T extends object>(
  items: readonly T[],
  path: Path,
  of: (keyof T & string) | ((item: T) => string),
  say: Say,
  label = typeof of === "string" ? of : "",
): Problem[] {
  const first = new Map<unknown, number>();
  return items.flatMap((item, index) => {
    const value: unknown = typeof of === "string" ? item[of] : of(item);
    const earlier = first.get(value);
    if (earlier === undefined) {
      first.set(value, index);
      return [];
    }
    const expected = `another ${label} than ${subject([...path, earlier])} has`;
    return [
      say([...path, index, label], "E_DUPLICATE", shown(value), expected, "rename or remove one of the two"),
    ];
  });
}
