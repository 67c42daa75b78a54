/** What `data:` of a site cannot take the place of, and what an application with `backup:` would not have in its backups. Pure. */
import type { ComposeProject, ComposeService } from "../../modules/core/host/compose-project.ts";
import { replacedVolume, stateMountsOf } from "../../modules/core/host/app-data.ts";
import type { AppSpec } from "../../modules/core/site/site-spec.ts";
import { stateMountText } from "../spec/project-fields.ts";

/** For messages, in words. */
export type Refused = readonly [found: string, expected: string, fix: string];

export function appDataProblems(app: AppSpec, project: ComposeProject): readonly Refused[] {
  const { data = {}, backup } = app;
  const services = Object.keys(data);
  const unknown = project.services.filter(({ mounts }) => mounts === undefined).map(({ name }) => name);
  if ((services.length > 0 || backup !== undefined) && unknown.length > 0)
    return [
      [
        `a lock that does not record the volumes of ${unknown.join(", ")}`,
        "a lock with the volumes of every service, so that data: can take the place of one",
        "run sealift bundle lock with this version of Sealift, and bring in the new bundle",
      ],
    ];
  return [
    ...services.flatMap((service) => folderProblems(service, app, project)),
    ...sharedProblems(app, project),
    ...(backup === undefined ? [] : [...lostProblems(app, project), ...unusedProblems(app, project)]),
  ];
}

/** The folder takes the place of one volume, and Sealift does not guess of which. */
function folderProblems(name: string, app: AppSpec, project: ComposeProject): readonly Refused[] {
  const service = project.services.find((one) => one.name === name);
  if (service === undefined)
    return [
      [
        `data of ${name}, which is no service of its Compose file`,
        `one of ${project.services.map((one) => one.name).join(", ")}`,
        "correct the name, or remove it",
      ],
    ];
  const found = stateMountsOf(service, app);
  const replaced = replacedVolume(service, app);
  if (replaced !== undefined && /^[A-Za-z0-9/._-]+$/.test(replaced.target)) return [];
  const fix =
    found.length === 0
      ? "add a named volume to the service in the Compose file, or remove it from data:"
      : found.length > 1
        ? "leave one of them to the service; name others in backup.without, if they need no backup"
        : "use a named volume in the Compose file, on a path of letters, digits and ._-";
  return [
    [
      `service ${name} writes to ${found.map(stateMountText).join(", ") || "no volume"}`,
      "exactly one volume that the service mounts for writing, in whose place its folder is mounted",
      fix,
    ],
  ];
}

/** Services that share a volume share its folder, so that only one of them names it. */
function sharedProblems(app: AppSpec, { services }: ComposeProject): readonly Refused[] {
  const owners = Object.keys(app.data ?? {}).flatMap((name) => {
    const service = services.find((one) => one.name === name);
    const volume = service === undefined ? undefined : replacedVolume(service, app)?.volume;
    return volume === undefined ? [] : [{ name, volume }];
  });
  return owners.flatMap(({ name, volume }, at) => {
    const other = owners.slice(0, at).find((one) => one.volume === volume);
    if (other === undefined) return [];
    return [
      [
        `volume ${volume} for the data of ${other.name} and of ${name}`,
        "one folder for one volume: all services that mount it get this folder",
        `remove ${name} from data:`,
      ],
    ];
  });
}

/** A backup that lacks part of the state is found out at the restore. */
function lostProblems(app: AppSpec, { services }: ComposeProject): readonly Refused[] {
  const { data = {} } = app;
  const paths = Object.values(data).map(({ path }) => `${path}/`);
  const covered = new Set(
    services.flatMap((service) =>
      data[service.name] === undefined ? [] : (replacedVolume(service, app)?.volume ?? []),
    ),
  );
  const others = services.filter(({ name }) => data[name] === undefined);
  return others.flatMap((service: ComposeService) => {
    const left = stateMountsOf(service, app).filter(
      ({ volume, source }) =>
        (volume === undefined || !covered.has(volume)) &&
        (source === undefined || !paths.some((path) => `${source}/`.startsWith(path))),
    );
    if (left.length === 0) return [];
    const names = left.flatMap(({ volume, source }) => volume ?? source ?? []);
    return [
      [
        `service ${service.name} writes to ${left.map(stateMountText).join(", ")}, which no backup would contain`,
        "the state of every service in data:, or named as not backed up",
        `add ${service.name}: { path: … } to data:${names.length === 0 ? "" : `, or backup: { without: [${names.join(", ")}] } if it can be lost`}`,
      ],
    ];
  });
}

function unusedProblems({ backup }: AppSpec, { services }: ComposeProject): readonly Refused[] {
  const mounted = services.flatMap(({ mounts = [] }) =>
    mounts.flatMap((one) => one.volume ?? one.source ?? []),
  );
  const unused = (backup?.without ?? []).filter((one) => !mounted.includes(one));
  return unused.map((one) => [
    `${one} in backup.without, which no service writes to`,
    `one of ${[...new Set(mounted)].join(", ") || "none"}`,
    "correct the name, or remove it",
  ]);
}
