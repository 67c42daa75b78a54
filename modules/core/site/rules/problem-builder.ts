/** Builds the problems of rules across keys, with their locations; also functions that several rules share. */
import type { ErrorCode, Problem } from "../../errors.ts";
import type { Locate, Path } from "../../document/locate.ts";
import type { Sections, SiteFile } from "../merge.ts";
import { shown, subject } from "../../shown.ts";

export type ProblemBuilder = (
  path: Path,
  code: ErrorCode,
  found: string,
  expected: string,
  fix: string,
) => Problem;

export function problemBuilder(place: Locate): ProblemBuilder {
  return (path, code, found, expected, fix) => ({
    where: place(path),
    code,
    subject: subject(path),
    found,
    expected,
    fix,
  });
}

/** A section wherever it is written: once for the site and once for each host of its own, however many inherit it. */
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

/** The path of the section that a host uses: its own, or that of the whole site. */
export function placeOf(file: SiteFile, host: number, key: keyof Sections): Path {
  return file.hosts[host]?.[key] === undefined ? [key] : ["hosts", host, key];
}

/** A problem that many hosts inherit is reported once. */
export function oncePerPlace(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ subject, code, found }) => {
    const key = `${subject} ${code} ${found}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** Reports the second and later of equal values, each with the path of the first. */
export function duplicates<T extends object>(
  items: readonly T[],
  path: Path,
  of: (keyof T & string) | ((item: T) => string),
  problemAt: ProblemBuilder,
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
    const expected = `a unique ${label}; ${subject([...path, earlier])} has the same`;
    return [
      problemAt(
        [...path, index, label],
        "E_DUPLICATE",
        shown(value),
        expected,
        "rename or remove one of the two",
      ),
    ];
  });
}
