/** Which file of the product imports which, and whether every import goes in the one direction that the architecture has. Pure but for {@link readImports}. */
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import ts from "typescript";
import { checkout } from "../../lab/cache.ts";
import { trackedFiles } from "../fixtures/tracked-files.ts";

/** Each file, and the files that it imports; paths relative to the checkout. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** The TypeScript and JavaScript of the product: index.ts, cli, modules, offline-bundle. */
export function readImports(): ImportGraph {
  const files = trackedFiles().filter((path) =>
    /^(index\.ts|(cli|modules|offline-bundle)\/.*\.(ts|js))$/.test(path),
  );
  return importGraph(new Map(files.map((path) => [path, readFileSync(join(checkout, path), "utf8")])));
}

/** @param texts of files by path; an import of a file that is not among them is left out. */
export function importGraph(texts: ReadonlyMap<string, string>): ImportGraph {
  return new Map(
    [...texts].map(([path, text]) => {
      const imported = ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName);
      // A worker is loaded by its place.
      const loaded = [...text.matchAll(/new URL\("([^"]+\.[tj]s)", import\.meta\.url\)/g)].map(
        ([, name = ""]) => name,
      );
      const targets = [...imported, ...loaded]
        .filter((name) => !/^[@\w]/.test(name) || loaded.includes(name))
        .map((name) => posix.join(posix.dirname(path), name))
        .filter((target) => texts.has(target));
      return [path, [...new Set(targets)].toSorted()];
    }),
  );
}

/** Groups of nodes each of which reaches all others of its group (Tarjan's strongly connected components), of two nodes or more. */
export function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (node: string): number => {
    const own = index.size;
    index.set(node, own);
    let lowest = own;
    stack.push(node);
    for (const target of graph.get(node) ?? []) {
      if (!index.has(target)) lowest = Math.min(lowest, visit(target));
      else if (stack.includes(target)) lowest = Math.min(lowest, low.get(target) ?? index.get(target) ?? own);
    }
    low.set(node, lowest);
    if (lowest === own) {
      const group = stack.splice(stack.indexOf(node));
      if (group.length > 1) found.push(group.toSorted());
    }
    return lowest;
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found.toSorted();
}

/** A folder of modules, another top-level folder, or a loose file. */
export function areaOf(path: string): string {
  return /^modules\/[^/]+/.exec(path)?.[0] ?? path.split("/", 1)[0] ?? path;
}

/** Each area, and the other areas that it imports. */
export function areaGraph(graph: ImportGraph): ReadonlyMap<string, readonly string[]> {
  const areas = new Map<string, Set<string>>();
  for (const [path, targets] of graph) {
    const area = areaOf(path);
    const imported = areas.get(area) ?? new Set();
    for (const target of targets.map(areaOf)) if (target !== area) imported.add(target);
    areas.set(area, imported);
  }
  return new Map([...areas].toSorted().map(([area, imported]) => [area, [...imported].toSorted()]));
}

/** Lower areas know nothing of higher ones, and areas of the same height nothing of each other. Every folder of modules that is not named here is a phase. */
const heights: Readonly<Record<string, number>> = {
  "modules/core": 0,
  "offline-bundle": 1,
  "modules/environments": 3,
  "modules/rollout": 4,
  "modules/receipt": 5,
  "modules/sealift.ts": 6,
  cli: 7,
  "index.ts": 7,
};
const phaseHeight = 2;

/** Within modules/core; files beside these folders are below all of them. */
const coreHeights: Readonly<Record<string, number>> = { site: 1, host: 2, pulumi: 3 };

export function isPhase(area: string): boolean {
  return area.startsWith("modules/") && heights[area] === undefined;
}

/** Imports that go up or sideways: `<file> imports <file>`. */
export function wrongImports(graph: ImportGraph): string[] {
  return [...graph].flatMap(([path, targets]) =>
    targets.filter((target) => !goesDown(path, target)).map((target) => `${path} imports ${target}`),
  );
}

function goesDown(from: string, to: string): boolean {
  const [higher, lower] = [areaOf(from), areaOf(to)];
  if (higher !== lower) return (heights[higher] ?? phaseHeight) > (heights[lower] ?? phaseHeight);
  return higher !== "modules/core" || coreHeight(from) >= coreHeight(to);
}

function coreHeight(path: string): number {
  return coreHeights[path.split("/")[2] ?? ""] ?? 0;
}
