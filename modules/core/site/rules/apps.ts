/** Rules for applications: the hosts that they name, and what a host needs to run them. */
import type { Problem } from "../../errors.ts";
import { shown } from "../../shown.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import type { ProblemBuilder } from "./problem-builder.ts";

export function appProblems(
  { apps = [], hosts: written, swarm }: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const names = written.map(({ name }) => name);
  return [
    ...apps.flatMap((app, at): Problem[] => [
      ...selectorProblems(app, ["apps", at], problemAt),
      ...(app.on === "swarm"
        ? stackProblems(app, ["apps", at], swarm !== undefined, problemAt)
        : onlyOnSwarm(app, ["apps", at], problemAt)),
      ...(app.update?.before?.backup === true && app.backup === undefined
        ? [
            problemAt(
              ["apps", at, "update", "before", "backup"],
              "E_KEY_MISSING",
              "a backup before updates, and no backup: of the application",
              "what is backed up",
              "add backup: { at: … } and data: to the application, or remove this line",
            ),
          ]
        : []),
      ...(app.hosts ?? []).flatMap((host, index): Problem[] =>
        names.includes(host)
          ? []
          : [
              problemAt(
                ["apps", at, "hosts", index],
                "E_VALUE",
                shown(host),
                `a host of this site: ${names.join(", ")}`,
                "correct the name, or add the host",
              ),
            ],
      ),
    ]),
    ...hosts.flatMap((host) => hostProblems(host, apps, problemAt)),
  ];
}

type App = NonNullable<SiteFile["apps"]>[number];

function selectorProblems(app: App, path: (string | number)[], problemAt: ProblemBuilder): Problem[] {
  if (app.class !== undefined)
    return [
      problemAt(
        [...path, "class"],
        "E_CLASS_UNKNOWN",
        `class ${shown(app.class)} is not defined`,
        "a defined class",
        "correct the name, or add it under classes: here or in the shared file",
      ),
    ];
  if (app.hosts === undefined || app.team === undefined) return [];
  const fix = "keep one of hosts, class and team";
  return [problemAt([...path, "team"], "E_CONFLICT", "team beside hosts or class", "one of them", fix)];
}

/** What an application on the swarm cannot have, or not yet. */
function stackProblems(
  app: App,
  path: (string | number)[],
  hasSwarm: boolean,
  problemAt: ProblemBuilder,
): Problem[] {
  const selectors = (["hosts", "team"] as const).filter((key) => app[key] !== undefined);
  const kept = (["data", "backup", "restore"] as const).filter((key) => app[key] !== undefined);
  const steps = (["before", "rehearsed"] as const).filter((key) => app.update?.[key] !== undefined);
  return [
    ...(hasSwarm
      ? []
      : [
          problemAt(
            [...path, "on"],
            "E_KEY_MISSING",
            "on: swarm in a site without a swarm",
            "swarm: of the site",
            "describe the swarm under swarm:, or name hosts for the application",
          ),
        ]),
    ...selectors.map((key) =>
      problemAt(
        [...path, key],
        "E_CONFLICT",
        `${key} beside on: swarm`,
        "one of them: the swarm chooses the nodes",
        `remove ${key}; deploy.placement.constraints in the Compose file chooses nodes by the labels of swarm: { labels }`,
      ),
    ),
    ...kept.map((key) =>
      problemAt(
        [...path, key],
        "E_CONFLICT",
        `${key} of an application on the swarm`,
        "an application of hosts: on a swarm, Sealift does not know on which node a service has its data",
        `remove ${key}, or run the application on hosts`,
      ),
    ),
    ...steps.map((key) =>
      problemAt(
        [...path, "update", key],
        "E_CONFLICT",
        `update.${key} of an application on the swarm`,
        "an application of hosts: a swarm updates services one by one, and runs nothing before",
        `remove ${key}, or run the application on hosts`,
      ),
    ),
    ...(app.update?.monitor === "0s" || app.update?.monitor === "0m"
      ? [
          problemAt(
            [...path, "update", "monitor"],
            "E_VALUE",
            `monitor: ${app.update.monitor}`,
            "at least 1s: a swarm takes 0 for its own default of 5 s",
            "write 1s, or remove it",
          ),
        ]
      : []),
  ];
}

function onlyOnSwarm(app: App, path: (string | number)[], problemAt: ProblemBuilder): Problem[] {
  const { order, parallelism, delay } = app.update ?? {};
  const found = [
    ...(order === "start-first" ? ["order"] : []),
    ...(parallelism === undefined ? [] : ["parallelism"]),
    ...(delay === undefined ? [] : ["delay"]),
  ];
  return found.map((key) =>
    problemAt(
      [...path, "update", key],
      "E_CONFLICT",
      `update.${key}${key === "order" ? ": start-first" : ""} of an application on hosts`,
      "on: swarm: Compose stops a container before its successor starts, and all of a service at once",
      `remove it, or add on: swarm`,
    ),
  );
}

/** At the application, because it is what the host cannot run. */
function hostProblems(host: MergedHost, apps: readonly App[], problemAt: ProblemBuilder): Problem[] {
  const { name, engine, registry, imageStore, stacks = [] } = host;
  const onHost = apps.findIndex((app) => app.on === undefined && app.name === host.apps[0]?.name);
  const first = onHost < 0 && stacks.length > 0 ? apps.findIndex(({ on }) => on === "swarm") : onHost;
  if (first < 0) return [];
  const repeated = <T extends { readonly name: string }>(list: readonly T[]): readonly T[] =>
    list.filter((app, at) => list.findIndex((one) => one.name === app.name) !== at);
  return [
    ...[...repeated(host.apps), ...repeated(stacks)].map((app) =>
      problemAt(
        ["apps", apps.findLastIndex((one) => one.name === app.name), "name"],
        "E_DUPLICATE",
        `${app.name} twice on ${name}`,
        "each application once on a host",
        "remove one of the two, or name other hosts",
      ),
    ),
    ...(engine.compose === undefined && onHost >= 0
      ? [
          problemAt(
            ["apps", first],
            "E_CONFLICT",
            `${name} has no compose plugin`,
            "engine.compose for every host that runs an application",
            "set engine.compose to a version of the bundle",
          ),
        ]
      : []),
    // Without a version the store is not known yet.
    ...(registry === undefined && imageStore === "classic" && engine.version !== undefined
      ? [
          problemAt(
            ["apps", first],
            "E_IMAGE_LOAD",
            `${name} has the classic image store, and the site has no registry`,
            "a registry, or the containerd image store: docker load into the classic store loses the digest of the lock (moby#43570)",
            "add registry: to the site, or replace daemon.storage-driver by daemon.features: { containerd-snapshotter: true } for hosts that hold no images and containers yet",
          ),
        ]
      : []),
  ];
}
