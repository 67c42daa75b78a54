/** The applications of one host, as facts. Pure. */
import { blobStep, type Channel } from "../core/host/blob-step.ts";
import { replacedVolume } from "../core/host/app-data.ts";
import type { HostApp } from "../core/host/blob.ts";
import type { Step } from "../core/host/step.ts";
import { mountOf } from "../core/site/mounts.ts";
import type { AppSpec } from "../core/site/site-spec.ts";
import { databasesCode, keptDatabases } from "./databases.ts";
import { releaseOf } from "./release.ts";
import { appServiceCode, appStatusCode } from "./status.ts";

/** An application of the site with its files of the bundle. */
export interface AppOnHost {
  readonly spec: AppSpec;
  readonly app: HostApp;
  /** Where its secrets lie on the host, by their names in the Compose file. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface AppsSpec {
  readonly apps: readonly AppOnHost[];
  /** Whose restore is rehearsed here: only their files are on the host, and nothing of them runs. Default none. */
  readonly rehearsed?: readonly AppOnHost[];
  /** Folder of all applications on the host. */
  readonly folder: string;
  /** Mount points of the host in the site. */
  readonly mounts: readonly { readonly mount: string }[];
  /** Names of the images that the site asks for by itself. */
  readonly heldImages: readonly string[];
  /** The registry that has the bundle; absent: blobs are sent over ssh. */
  readonly channel?: Channel;
}

export function appsSteps({ apps, rehearsed = [], folder, ...shared }: AppsSpec): readonly Step[] {
  const files = rehearsed.flatMap((app) => filesOnly(app, `${folder}/${app.spec.name}`, shared));
  if (apps.length === 0) return files;
  return [
    ...apps.flatMap((app) => appSteps(app, `${folder}/${app.spec.name}`, shared)),
    ...files,
    {
      code: "apps.heal",
      fact: `a unit restarts unhealthy containers of applications, at most ${restartsPerHour} times an hour each`,
      effect: "none",
      call: ["app_heal", String(restartsPerHour)],
    },
  ];
}

/** A container that needs more is stopped: a restart does not cure it. */
const restartsPerHour = 5;

const filesOfRelease = ["archive", "release", "current", "kept"];

/** Nothing of an application whose restore is rehearsed starts by itself. */
function filesOnly({ spec, ...app }: AppOnHost, ...more: Rest): readonly Step[] {
  // It goes back to no earlier release.
  const all = appSteps({ ...app, spec: { ...spec, keep: 0 } }, ...more);
  return all.filter(({ code }) => filesOfRelease.some((one) => code === `apps.${spec.name}.${one}`));
}

type Rest = [folder: string, shared: Pick<AppsSpec, "heldImages" | "channel" | "mounts">];

function appSteps(
  { spec, app, secrets }: AppOnHost,
  ...[folder, { heldImages, channel, mounts }]: Rest
): readonly Step[] {
  const { name, version, update } = spec;
  const { archive, project } = app;
  const release = releaseOf(spec, app, folder, secrets);
  const { id, mounted, values } = release;
  const code = `apps.${name}`;
  const limits = [String(update.timeout), String(update.monitor)];
  return [
    blobStep(`${code}.archive`, `the project of ${name} ${version}`, name, archive, channel),
    {
      code: `${code}.release`,
      fact: `release ${id} of ${name} lies unaltered in ${folder}/releases`,
      effect: "none",
      call: [
        "app_release",
        ...[folder, id, archive.sha256, project.file, release.override],
        [...new Set(project.services.map(({ image }) => image))].join(" "),
        ...[String(values.length), ...values],
        ...[String(archive.members.length), ...archive.members.flatMap(({ path, sha256 }) => [sha256, path])],
        ...mounted.flatMap(({ sha256, to, from }) => [sha256, to, from]),
      ],
    },
    ...dataSteps(spec, app, folder, mounts),
    {
      code: `${code}.volumes`,
      fact: `the volumes of ${name} on the host have the definition of ${version}`,
      effect: "none",
      call: ["app_volumes", folder, name, id, ...inVolumes(spec, app)],
    },
    ...databaseSteps(spec, app, folder, id),
    ...beforeSteps(spec, folder, id),
    ...project.services.map(({ name: service, image, replicas = 1, oneShot = false }): Step => ({
      code: appServiceCode(name, service),
      fact: `service ${service} runs as ${name} ${version} defines it${oneShot ? ", and has ended with 0" : ""}`,
      effect: "containers-stop",
      call: [
        "app_service",
        ...[folder, name, id, service, oneShot ? "once" : "run"],
        ...[String(replicas), release.signatures.get(service) ?? "", image],
        ...[...limits, update.failure_action],
      ],
    })),
    {
      code: `${code}.rest`,
      fact: `${name} has no containers of other services`,
      effect: "containers-stop",
      call: ["app_rest", folder, name, id, ...limits, ...project.services.map((one) => one.name)],
    },
    {
      code: `${code}.current`,
      fact: `${id} is the current release of ${name}`,
      effect: "none",
      call: ["app_current", folder, id],
    },
    {
      code: `${code}.boot`,
      fact: `a unit starts and stops ${name} with the host, in the order of its Compose file`,
      effect: "none",
      call: ["app_boot", folder, name, id, String(update.timeout)],
    },
    {
      code: `${code}.kept`,
      fact: `at most ${spec.keep} earlier releases of ${name} are on the host`,
      effect: "none",
      call: ["app_kept", folder, id, String(spec.keep), ...heldImages],
    },
    {
      code: appStatusCode(name),
      fact: `the host reports what runs of ${name}`,
      effect: "none",
      call: ["app_status", folder, name, id],
    },
  ];
}

function databaseSteps(spec: AppSpec, app: HostApp, folder: string, release: string): readonly Step[] {
  const databases = keptDatabases(spec, app);
  if (databases.length === 0) return [];
  const versions = databases.map(({ service, engine, major }) => `${service} ${engine} ${major}`);
  return [
    {
      code: databasesCode(spec.name),
      fact: `the databases of ${spec.name} have the major versions of their data: ${versions.join(", ")}`,
      // Another one is preceded by a backup.
      effect: stopsForBackup(spec) ? "containers-stop" : "none",
      call: [
        "app_databases",
        ...[folder, spec.name, release],
        ...databases.flatMap(({ service, engine, major, path = "", volume = "" }) => [
          ...[service, engine, major, path, volume],
        ]),
      ],
    },
  ];
}

function stopsForBackup({ backup, data }: AppSpec): boolean {
  return backup?.stop === true && data !== undefined;
}

function beforeSteps(spec: AppSpec, folder: string, release: string): readonly Step[] {
  const { name, version, update } = spec;
  const { before, timeout } = update;
  if (before === undefined) return [];
  const { run, backup: backsUp = false } = before;
  const done = [
    ...(backsUp ? ["a backup of it has been made"] : []),
    ...(run === undefined ? [] : [`${run} has ended with 0`]),
  ].join(", and ");
  return [
    {
      code: `apps.${name}.before`,
      fact: `before ${name} ${version} takes the place of another release, ${done}`,
      effect: backsUp && stopsForBackup(spec) ? "containers-stop" : "none",
      call: ["app_before", ...[folder, name, release, backsUp ? "backup" : "", run ?? "", String(timeout)]],
    },
  ];
}

function dataSteps(
  spec: AppSpec,
  { project }: HostApp,
  folder: string,
  mounts: AppsSpec["mounts"],
): readonly Step[] {
  return Object.entries(spec.data ?? {}).flatMap(([service, { path, owner }]): Step[] => {
    const own = project.services.find((one) => one.name === service);
    const replaced = own === undefined ? undefined : replacedVolume(own, spec);
    if (replaced === undefined) return [];
    return [
      {
        code: `apps.${spec.name}.data.${service}`,
        fact: `${path} is ready for the data of service ${service}${owner === undefined ? "" : `, and belongs to ${owner}`}`,
        effect: "none",
        call: [
          "app_data",
          ...[folder, spec.name, service, path, mountOf(path, mounts)?.mount ?? ""],
          ...[owner ?? "", replaced.target, replaced.volume ?? ""],
        ],
      },
    ];
  });
}

/** Services whose state is in volumes of the engine, or may be: an earlier release may have had it in a folder. */
function inVolumes({ data = {} }: AppSpec, { project }: HostApp): readonly string[] {
  return project.services.flatMap(({ name, mounts = [] }) =>
    data[name] === undefined &&
    mounts.some(({ source, readOnly }) => source === undefined && readOnly !== true)
      ? [name]
      : [],
  );
}
