/** The graph of imports as SVG: the parts of the product from top to bottom, each above all that it imports. */
import { areaGraph, cycles, isPhase, type ImportGraph } from "./imports.ts";

/** Each node, and the nodes that it leads to. */
type Graph = ReadonlyMap<string, readonly string[]>;

const box = { width: 104, height: 32, letter: 7.9 } as const;
const gap = { across: 22, down: 40 } as const;
const frame = { side: 14, head: 26, foot: 14 } as const;
const margin = 16;

/** A box, or a frame with its members side by side. */
interface Part {
  readonly name: string;
  readonly members: readonly string[];
  readonly width: number;
  readonly height: number;
}

interface Placed extends Part {
  readonly x: number;
  readonly y: number;
}

/**
 * Pure. The phases share one frame, and modules/core shows its folders. Arrows that follow from others are left out: where a leads to b and
 * b to c, there is none from a to c.
 *
 * @returns SVG 1.1 for light and dark pages.
 * @throws {Error} when areas import each other in a circle: then there is no top and bottom.
 */
export function architectureDrawing(imports: ImportGraph): string {
  const phases = "modules: the phases";
  const named = (area: string): string => (isPhase(area) ? phases : area);
  const areas = areaGraph(imports);
  const graph = joined(areas, named);
  if (cycles(graph).length > 0) throw new Error(`areas import each other: ${cycles(graph).join(" ")}`);
  const folders = coreFolders(imports);
  const members = new Map([
    [phases, [...areas.keys()].filter(isPhase).map((area) => area.replace("modules/", ""))],
    ["modules/core", fromTop(folders).flat()],
  ]);
  const layers = placed(
    fromTop(graph).map((layer) => layer.map((name) => part(name, members.get(name) ?? []))),
  );
  const parts = layers.flat();
  const [width, height] = [
    Math.max(...parts.map(({ x, width }) => x + width)) + margin,
    Math.max(...parts.map(({ y, height }) => y + height)) + margin,
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">The parts of Sealift, each above all that it imports</title>`,
    ...style,
    ...[...withoutImplied(graph)].flatMap(([from, targets]) =>
      targets.map((to) => arrowDown(find(parts, from), find(parts, to))),
    ),
    ...parts.flatMap((one) => drawn(one, folders)),
    "</svg>",
    "",
  ].join("\n");
}

const style = [
  "<style>",
  "  text { font: 13px ui-monospace, Menlo, Consolas, monospace; text-anchor: middle; fill: #1f2328; }",
  "  rect { fill: #ffffff; stroke: #8c959f; }",
  "  .frame { fill: #f6f8fa; }",
  "  path { fill: none; stroke: #57606a; stroke-width: 1.4; }",
  "  marker path { fill: #57606a; stroke: none; }",
  "  @media (prefers-color-scheme: dark) {",
  "    text { fill: #e6edf3; }",
  "    rect { fill: #0d1117; stroke: #6e7681; }",
  "    .frame { fill: #161b22; }",
  "    path { stroke: #9198a1; }",
  "    marker path { fill: #9198a1; }",
  "  }",
  "</style>",
  '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>',
];

/** Nodes that get one name become one node. */
function joined(graph: Graph, named: (node: string) => string): Graph {
  const all = new Map<string, Set<string>>();
  for (const [node, targets] of graph) {
    const own = all.get(named(node)) ?? new Set<string>();
    for (const target of targets.map(named)) if (target !== named(node)) own.add(target);
    all.set(named(node), own);
  }
  return new Map([...all].map(([node, targets]) => [node, [...targets]]));
}

/** The folders right below modules/core, and what they import of each other. */
function coreFolders(imports: ImportGraph): Graph {
  const inFolder = [...imports].filter(([path]) => /^modules\/core\/[^/]+\//.test(path));
  const folderOf = (path: string): string => path.split("/")[2] ?? "";
  const within = inFolder.map(
    ([path, targets]) =>
      [path, targets.filter((target) => inFolder.some(([one]) => one === target))] as const,
  );
  return joined(new Map(within), folderOf);
}

/** Nodes in layers: each one above the highest that it leads to. */
function fromTop(graph: Graph): string[][] {
  const height = (node: string): number =>
    Math.max(0, ...(graph.get(node) ?? []).map((target) => height(target) + 1));
  return [...Map.groupBy(graph.keys(), height)]
    .toSorted(([left], [right]) => right - left)
    .map(([, nodes]) => nodes.toSorted());
}

/** The transitive reduction. */
function withoutImplied(graph: Graph): Graph {
  const reaches = (from: string, to: string): boolean =>
    (graph.get(from) ?? []).some((next) => next === to || reaches(next, to));
  return new Map(
    [...graph].map(([from, targets]) => [
      from,
      targets.filter((to) => !targets.some((other) => other !== to && reaches(other, to))),
    ]),
  );
}

function part(name: string, members: readonly string[]): Part {
  const label = Math.ceil(name.length * box.letter) + 24;
  if (members.length === 0) return { name, members, width: Math.max(box.width, label), height: box.height };
  const row = members.length * (box.width + gap.across) - gap.across;
  return {
    name,
    members,
    width: Math.max(label, row + 2 * frame.side),
    height: frame.head + box.height + frame.foot,
  };
}

function placed(layers: readonly (readonly Part[])[]): Placed[][] {
  const widthOf = (layer: readonly Part[]): number =>
    layer.reduce((sum, { width }) => sum + width + gap.across, -gap.across);
  const width = Math.max(...layers.map(widthOf));
  let y = margin;
  return layers.map((layer) => {
    let x = margin + (width - widthOf(layer)) / 2;
    const row = layer.map((one): Placed => {
      const at = { ...one, x, y };
      x += one.width + gap.across;
      return at;
    });
    y += Math.max(...layer.map(({ height }) => height)) + gap.down;
    return row;
  });
}

function drawn({ name, members, x, y, width, height }: Placed, inside: Graph): string[] {
  if (members.length === 0)
    return [rectangle(x, y, width, height), label(name, x + width / 2, y + height / 2)];
  const left = x + (width - (members.length * (box.width + gap.across) - gap.across)) / 2;
  const middle = y + frame.head + box.height / 2;
  return [
    rectangle(x, y, width, height, "frame"),
    label(name, x + width / 2, y + frame.head / 2),
    ...members.flatMap((member, at) => {
      const begins = left + at * (box.width + gap.across);
      const next = members[at + 1];
      return [
        rectangle(begins, y + frame.head, box.width, box.height),
        label(member, begins + box.width / 2, middle),
        ...(next !== undefined && inside.get(member)?.includes(next) === true
          ? [arrow(`M${begins + box.width} ${middle}H${begins + box.width + gap.across - 1}`, member, next)]
          : []),
      ];
    }),
  ];
}

function rectangle(x: number, y: number, width: number, height: number, kind?: string): string {
  return `<rect${kind === undefined ? "" : ` class="${kind}"`} x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`;
}

function label(text: string, x: number, y: number): string {
  return `<text x="${x}" y="${y + 4.5}">${text}</text>`;
}

/** From the middle of a lower edge to the middle of an upper one. */
function arrowDown(from: Placed, to: Placed): string {
  const [x1, y1] = [from.x + from.width / 2, from.y + from.height];
  const [x2, y2] = [to.x + to.width / 2, to.y - 1];
  const bend = (y1 + y2) / 2;
  return arrow(`M${x1} ${y1}C${x1} ${bend} ${x2} ${bend} ${x2} ${y2}`, from.name, to.name);
}

function arrow(line: string, from: string, to: string): string {
  return `<path d="${line}" marker-end="url(#tip)"><title>${from} imports ${to}</title></path>`;
}

function find(parts: readonly Placed[], name: string): Placed {
  const found = parts.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is in no layer`);
  return found;
}
