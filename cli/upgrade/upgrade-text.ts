/** The result of `sealift upgrade` for people: aligned rows, equal changes of several hosts in one row. */
import type {
  EnvironmentUpgrade,
  KeyChange,
  StepChange,
  ToolkitUpgrade,
} from "../../modules/rollout/compare-toolkits.ts";
import { visible } from "../../modules/core/visible.ts";
import { columns, count } from "../output/columns.ts";
import { problemText } from "../output/findings-text.ts";
import { paint } from "../output/paint.ts";

/** Everything from outside is escaped. @param next commands for the operator. */
export function upgradeText(upgrade: ToolkitUpgrade, next: readonly string[]): string {
  const { from, to, downgrade, changes, requirements, keys, errorCodes, environments } = upgrade;
  const uncompared = environments.some(({ current }) => current.length > 0);
  const parts = [
    `sealift ${visible(from)} -> ${visible(to)}${downgrade ? ": a downgrade" : ""}`,
    ...(changes || uncompared ? [] : ["nothing changes for this repository"]),
    table(
      "requirements",
      requirements.map((one) => [one.what, `${one.from ?? "none"} -> ${one.to ?? "none"}`]),
    ),
    table("keys of the site file", keyRows(keys)),
    table("error codes", [
      ...errorCodes.added.map((code) => ["added", code]),
      ...errorCodes.removed.map((code) => ["removed", code]),
    ]),
    ...environments.flatMap((one) => environmentText(one, to)),
    `next:\n${next.map((line) => `  ${visible(line)}`).join("\n")}`,
  ];
  return parts.filter((text) => text !== "").join("\n\n");
}

function table(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0
    ? ""
    : `${title}\n${columns(rows.map(([first = "", ...more]) => [`  ${first}`, ...more]))}`;
}

/** A key of hosts, classes and the site is one row when it changes in the same way in all of them. */
function keyRows(keys: readonly KeyChange[]): readonly (readonly string[])[] {
  const row = (key: KeyChange): readonly string[] => [key.change, inherited(key.key), keyDetail(key)];
  const groups = Map.groupBy(keys, (key) => JSON.stringify(row(key)));
  return [...groups.values()].flatMap(([first, ...more]) => {
    if (first === undefined) return [];
    const users = new Set([first, ...more].flatMap(({ usedBy }) => usedBy));
    return [[...row(first), users.size === 0 ? "" : `used by ${[...users].join(", ")}`]];
  });
}

function inherited(key: string): string {
  return key.replace(/^(hosts\[\]|classes\.\*)\./, "");
}

function keyDetail({ change, from, to }: KeyChange): string {
  if (change === "renamed") return `-> ${inherited(to ?? "")}`;
  return change === "changed" ? difference(from ?? "", to ?? "") : "";
}

function environmentText(one: EnvironmentUpgrade, to: string): readonly string[] {
  const { environment, compared, current, problems, hosts } = one;
  const width = process.stdout.isTTY ? process.stdout.columns : 100;
  const name = visible(environment);
  const listed = (title: string, all: EnvironmentUpgrade["problems"]): readonly string[] =>
    all.length === 0 ? [] : [title, ...all.map((problem) => problemText(problem, { width, paint }))];
  return [
    ...listed(`${name}: not compared, the installed version has no plan of it`, current),
    ...listed(`${name}: refused by ${visible(to)}`, problems),
    ...(hosts.length === 0 ? [] : [table(`${name}: plans that differ`, stepRows(one))]),
    ...(compared && hosts.length === 0 ? [`${name}: the plans are equal`] : []),
  ];
}

function stepRows({ hosts }: EnvironmentUpgrade): readonly (readonly string[])[] {
  const all = hosts.flatMap(({ name, steps }) =>
    steps.map((step) => ({ name, row: [step.change, step.code, stepDetail(step)] })),
  );
  const groups = Map.groupBy(all, ({ row }) => JSON.stringify(row));
  return [...groups.values()].map((same) => {
    const [{ name, row: [change = "", code = "", detail = ""] } = { name: "", row: [] }] = same;
    return [change, code, same.length === 1 ? name : count(same.length, "host"), detail];
  });
}

function stepDetail({ change, from, to }: StepChange): string {
  if (change === "moved") return "the order of steps differs from here on";
  if (from === undefined || to === undefined) return (to ?? from)?.fact ?? "";
  if (from.fact !== to.fact) return difference(from.fact, to.fact);
  if (from.effect !== to.effect) return `impact ${from.effect} -> ${to.effect}`;
  return difference(from.call, to.call);
}

/** Both texts from their first different word on, shortened. */
function difference(from: string, to: string): string {
  const [a, b] = [from.split(" "), to.split(" ")];
  const at = a.findIndex((word, index) => word !== b[index]);
  const cut = (words: readonly string[]): string =>
    short(`${at > 1 ? "... " : ""}${words.slice(at > 1 ? at - 1 : 0).join(" ")}`);
  return `${cut(a)} -> ${cut(b)}`;
}

const widest = 60;

/** Complete in --json. */
function short(text: string): string {
  return text.length > widest ? `${text.slice(0, widest - 3)}...` : text;
}
