/** Text output of status for a swarm: services × nodes, then what is wrong in words. */
import type { SiteSwarm, StackedService } from "../../modules/rollout/swarm-status.ts";
import { visible } from "../../modules/core/visible.ts";
import { columns, count, firstOf } from "./columns.ts";
import { problemText } from "./findings-text.ts";
import type { TextOptions } from "./paint.ts";

/** With more nodes, each service names those that it is on. */
const mostColumns = 7;

export function swarmText(swarm: SiteSwarm, options: TextOptions): readonly string[] {
  const { services, nodes, differing, more, problems } = swarm;
  const wrong = [
    ...nodes
      .filter(({ ok }) => !ok)
      .map(({ host, state, availability, reachability }) => [
        host,
        firstOf([
          ...(state === "ready" ? [] : [state]),
          ...(availability === "active" ? [] : [availability]),
          ...(reachability === undefined || ["leader", "reachable"].includes(reachability)
            ? []
            : [`manager ${reachability}`]),
          // As the site does not want it.
          ...(state === "ready" && availability === "active" ? ["differs from the site"] : []),
        ]),
      ]),
    ...differing.map(({ app, service, found }) => [
      `${app}${service === undefined ? "" : ` ${service}`}`,
      found,
    ]),
    ...(more === 0 ? [] : [[`${more} not listed`, "docker service ls on a manager"]]),
  ];
  return [
    ...problems.map((problem) => problemText(problem, options)),
    headline(swarm, options),
    ...(services.length === 0 ? [] : [table(swarm, options)]),
    ...(wrong.length === 0 ? [] : [columns(wrong)]),
  ];
}

function headline({ name, manager, managers, nodes }: SiteSwarm, { paint }: TextOptions): string {
  const of = `swarm ${visible(name)}`;
  if (managers === undefined) return paint("fail", `${of}: no manager has answered`);
  if (manager === undefined)
    return paint(
      "fail",
      `${of}: no quorum${managers.all === 0 ? "" : `, ${managers.reachable} of ${managers.all} managers are reachable`}; what runs goes on, and cannot be changed`,
    );
  const words = [
    `${managers.reachable} of ${count(managers.all, "manager")} reachable`,
    `${nodes.filter(({ state }) => state === "ready").length} of ${count(nodes.length, "node")} ready`,
  ];
  return `${of}: ${words.join(", ")}, says ${visible(manager)}`;
}

/** Every row of a service that is not as the site wants it is coloured. */
function table({ services, nodes }: SiteSwarm, { paint }: TextOptions): string {
  const wide = nodes.length > mostColumns;
  const marks = nodes.map(({ host, state, availability }) => {
    const mark = state === "ready" ? (availability === "active" ? "" : ` (${availability})`) : ` (${state})`;
    return `${host}${mark}`;
  });
  const heading = [
    ...["application", "service", "image", "replicas"],
    ...(wide ? ["nodes"] : marks),
    "last update",
  ];
  const rows = services.map((one) => [
    ...[
      one.app,
      one.service,
      imageText(one),
      one.absent === true ? "absent" : `${one.running}/${one.desired}`,
    ],
    ...(wide ? [placesText(one)] : nodes.map(({ host }) => String(one.tasks[host] ?? "-"))),
    one.update === undefined
      ? "-"
      : [one.update.state.replaceAll("_", " "), one.update.at].filter((text) => text !== undefined).join(" "),
  ]);
  const [head = "", ...lines] = columns([heading, ...rows]).split("\n");
  return [head, ...lines.map((line, at) => (services[at]?.ok === true ? line : paint("fail", line)))].join(
    "\n",
  );
}

/** `redis:8.0`, or `redis@5f3a90c12d04` of an image that the release does not have. */
function imageText({ image, tag }: StackedService): string {
  const name = image.split("@", 1)[0]?.split("/").at(-1) ?? "";
  if (tag !== undefined) return `${name}:${tag}`;
  const [, sha256] = /@sha256:([0-9a-f]{12})/.exec(image) ?? [];
  return sha256 === undefined ? name : `${name}@${sha256}`;
}

function placesText({ tasks }: StackedService): string {
  const words = Object.entries(tasks).map(([host, number]) => (number === 1 ? host : `${host} ${number}`));
  return words.length === 0 ? "-" : firstOf(words);
}
