/** Text output of status: applications × hosts, then what is wrong in words. */
import { isWell, newest, versionOf } from "../../modules/apps/status.ts";
import type { HostedApp, SiteStatus } from "../../modules/rollout/site-status.ts";
import { visible } from "../../modules/core/visible.ts";
import { columns, firstOf } from "./columns.ts";
import { dataTable } from "./data-table.ts";
import { problemText } from "./findings-text.ts";
import type { TextOptions } from "./paint.ts";
import { swarmText } from "./swarm-text.ts";

export function statusText(
  { environment, problems, unread, applications, others, swarm }: SiteStatus,
  options: TextOptions,
): string {
  const parts = [
    ...problems.map((problem) => problemText(problem, options)),
    ...(applications.length === 0
      ? problems.length === 0 && swarm === undefined
        ? [`${environment}: the site has no applications`]
        : []
      : [table(applications, options)]),
    ...dataTable([...applications.filter(({ problem }) => problem === undefined), ...others], options),
    ...wrong(applications, options),
    ...(swarm === undefined ? [] : swarmText(swarm, options)),
    ...(unread.length === 0 || (applications.length === 0 && swarm === undefined)
      ? []
      : [`Not read, because status does not decrypt secrets: ${visible(unread.join(", "))}`]),
  ];
  return parts.join("\n\n");
}

/** Every row of an application that is not as the site wants it is coloured. */
function table(applications: readonly HostedApp[], { paint }: TextOptions): string {
  const [head = "", ...rows] = columns([heading, ...applications.map(row)]).split("\n");
  return [head, ...rows.map((line, at) => (applications[at]?.ok === true ? line : paint("fail", line)))].join(
    "\n",
  );
}

const heading = ["application", "host", "version", "health", "since", "restarts", "last update", "down"];

function row(one: HostedApp): readonly string[] {
  const { app, host, running } = one;
  const { services = [], update } = running ?? {};
  const deployed = services.length > 0;
  return [
    ...[app, host, versionText(one), healthText(one)],
    newest(services) ?? "-",
    deployed ? String(services.reduce((sum, { restarts }) => sum + restarts, 0)) : "-",
    update === undefined
      ? "-"
      : `${update.at}${update.from === undefined ? "" : ` from ${versionOf(update.from)}`}`,
    update === undefined ? "-" : downText(update.down),
  ];
}

function versionText({ version, expected, current, running }: HostedApp): string {
  if (version === undefined) return `${running === undefined ? "" : "none, "}expected ${expected}`;
  if (current) return version;
  return version === expected ? `${version}, change pending` : `${version}, expected ${expected}`;
}

/** `healthy 4/4`, or what is not. */
function healthText({ running, differing, others: foreign, current, problem }: HostedApp): string {
  if (problem !== undefined) return "unreachable";
  const { services = [], more = 0, release } = running ?? {};
  if (running === undefined && !differing.some(({ found }) => found.startsWith("absent"))) return "unknown";
  if (services.length === 0 && release === undefined && more === 0) return "not deployed";
  const ill = services.filter(({ health }) => !isWell(health));
  // Of another version, all services differ.
  const others = current ? differing.filter(({ service }) => !ill.some(({ name }) => name === service)) : [];
  const words = [
    ...(current && foreign !== undefined ? ["other containers"] : []),
    ...ill.map(({ name, health }) => `${name} ${health}`),
    ...others.map(
      ({ service }) => `${service} ${services.some(({ name }) => name === service) ? "differs" : "absent"}`,
    ),
    ...(more === 0 ? [] : [`${more} not listed`]),
  ];
  if (words.length === 0) return `healthy ${services.length}/${services.length}`;
  return firstOf(words);
}

function downText(down: readonly { readonly service: string; readonly milliseconds: number }[]): string {
  const words = down
    .filter(({ milliseconds }) => milliseconds > 0)
    .map(({ service, milliseconds }) => `${service} ${(milliseconds / 1000).toFixed(1)} s`);
  return words.length === 0 ? "nothing" : firstOf(words);
}

/** What the table has no room for: of a host that does not answer the problem, otherwise the services and what was found. */
function wrong(applications: readonly HostedApp[], options: TextOptions): readonly string[] {
  const unreachable = new Map(
    applications.flatMap(({ host, problem }) => (problem === undefined ? [] : [[host, problem] as const])),
  );
  const found = applications
    .filter(({ current, running, problem }) => current || (running === undefined && problem === undefined))
    .flatMap(({ app, host, differing, others }) => [
      ...differing.map((one) => [`${host} ${app} ${one.service}`, one.found]),
      ...(others === undefined ? [] : [[`${host} ${app}`, others]]),
    ]);
  return [
    ...[...unreachable.values()].map((problem) => problemText(problem, options)),
    ...(found.length === 0 ? [] : [columns(found)]),
  ];
}
