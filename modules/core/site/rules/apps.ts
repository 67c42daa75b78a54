/** Rules for applications: the hosts that they name, and what a host needs to run them. */
import type { Problem } from "../../errors.ts";
import { shown } from "../../shown.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import type { ProblemBuilder } from "./problem-builder.ts";

export function appProblems(
  { apps = [], hosts: written }: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const names = written.map(({ name }) => name);
  return [
    ...apps.flatMap((app, at): Problem[] => [
      ...selectorProblems(app, ["apps", at], problemAt),
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

/** At the application, because it is what the host cannot run. */
function hostProblems(host: MergedHost, apps: readonly App[], problemAt: ProblemBuilder): Problem[] {
  const own = host.apps.map(({ name }) => apps.findIndex((app) => app.name === name));
  const [first] = own;
  if (first === undefined) return [];
  const { name, engine, registry, imageStore } = host;
  const twice = host.apps.filter((app, at) => host.apps.findIndex((one) => one.name === app.name) !== at);
  return [
    ...twice.map((app) =>
      problemAt(
        ["apps", apps.findLastIndex((one) => one.name === app.name), "name"],
        "E_DUPLICATE",
        `${app.name} twice on ${name}`,
        "each application once on a host",
        "remove one of the two, or name other hosts",
      ),
    ),
    ...(engine.compose === undefined
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
