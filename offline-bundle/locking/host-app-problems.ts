/** Why a host cannot run the applications that its site names for it: what the lock says of them, against what the site allows. Pure. */
import { posix } from "node:path";
import type { ComposeProject, PublishedPort } from "../../modules/core/host/compose-project.ts";
import type { ErrorCode, Problem } from "../../modules/core/errors.ts";
import type { AppSpec, HostSpec } from "../../modules/core/site/site-spec.ts";
import { hostImageProblem } from "../fetching/image-platforms.ts";
import type { Lock } from "../spec/lock-file.ts";
import { appDataProblems } from "./app-data-problems.ts";

/** What the rules need of a host. */
type AppHost = Pick<
  HostSpec,
  "name" | "architecture" | "apps" | "volumes" | "registry" | "port" | "daemon" | "store" | "stacks"
>;

/** What an application on hosts and one on a swarm have in common. */
type App = Pick<AppSpec, "name" | "version" | "values" | "secrets" | "allow">;

/** Where the site names an application, for messages. */
type PlaceOf = (app: string) => string;

/** @returns E_APP_NOT_IN_BUNDLE; E_IMAGE_NOT_IN_BUNDLE and E_BUNDLE_PLATFORM of an image; E_APP_RIGHTS, E_APP_PATH, E_APP_DATA and E_APP_PORT; E_KEY_MISSING
 * and E_KEY_UNKNOWN of a secret. */
export function hostAppProblems(host: AppHost, lock: Lock, where: PlaceOf): readonly Problem[] {
  const found = host.apps.map((app) => ({ app, project: projectOf(app, lock) }));
  return [
    ...found.flatMap(({ app, project }) =>
      project === undefined
        ? [notInBundle(host, app, lock, where)]
        : [
            ...imageProblems(host, app, project, lock, where),
            ...rightProblems(host, app, project, where),
            ...pathProblems(host, app, project, where),
            ...appDataProblems(app, project).map((refused) =>
              problemOf("E_APP_DATA", where, host, app, refused),
            ),
            ...secretProblems(host, app, project, where),
            ...beforeProblems(host, app, project, where),
          ],
    ),
    ...(host.stacks ?? []).flatMap((app) => stackProblems(host, app, lock, where)),
    ...portProblems(
      host,
      found.flatMap(({ app, project }) => (project === undefined ? [] : portsOf(app, project))),
      where,
    ),
  ];
}

/** The same on every member of the swarm: a task may start on each. */
function stackProblems(host: AppHost, app: App, lock: Lock, where: PlaceOf): readonly Problem[] {
  const project = projectOf(app, lock);
  if (project === undefined) return [notInBundle(host, app, lock, where)];
  if (project.stack === undefined)
    return [
      problemOf("E_APP_STACK", where, host, app, [
        `${app.name} ${app.version}, which the lock has as an application of hosts alone`,
        "an application that sealift bundle lock has read as a stack",
        `add swarm: true to ${app.name} under apps: in bundle.yaml, run sealift bundle lock, and bring in the new bundle`,
      ]),
    ];
  return [
    ...imageProblems(host, app, project, lock, where),
    ...rightProblems(host, app, project, where),
    ...pathProblems(host, app, project, where),
    ...secretProblems(host, app, project, where),
  ];
}

function projectOf({ name, version }: App, { files }: Lock): ComposeProject | undefined {
  return files.find((file) => file.kind === "app" && file.name === name && file.version === version)?.project;
}

function problemOf(
  code: ErrorCode,
  where: PlaceOf,
  host: AppHost,
  app: App,
  [found, expected, fix]: readonly [found: string, expected: string, fix: string],
): Problem {
  return { where: where(app.name), code, subject: `${host.name} apps ${app.name}`, found, expected, fix };
}

function notInBundle(host: AppHost, app: App, { files }: Lock, where: PlaceOf): Problem {
  const held = files.filter(({ kind }) => kind === "app").map(({ name, version }) => `${name} ${version}`);
  return problemOf("E_APP_NOT_IN_BUNDLE", where, host, app, [
    `${app.name} ${app.version}`,
    `an application of the bundle: ${held.join(", ") || "none"}`,
    "choose one of these versions, or add this one to apps: in bundle.yaml, run sealift bundle lock, and bring in the new bundle",
  ]);
}

/** What does not end by itself would never let an update begin. */
function beforeProblems(
  host: AppHost,
  app: AppSpec,
  { services }: ComposeProject,
  where: PlaceOf,
): readonly Problem[] {
  const run = app.update.before?.run;
  const oneShots = services.filter(({ oneShot }) => oneShot === true).map(({ name }) => name);
  if (run === undefined || oneShots.includes(run)) return [];
  return [
    problemOf("E_VALUE", where, host, app, [
      `update.before.run: ${run}`,
      `a one-shot of its Compose file: ${oneShots.join(", ") || "none"}`,
      "name one of them; a one-shot is a service for which another one waits with depends_on: { condition: service_completed_successfully }",
    ]),
  ];
}

function imageProblems(
  { name, architecture }: AppHost,
  app: App,
  { services }: ComposeProject,
  { images }: Lock,
  where: PlaceOf,
): readonly Problem[] {
  const needed = new Set(services.map(({ image }) => image));
  return [...needed].flatMap((image) =>
    hostImageProblem(image, `linux/${architecture}`, images, {
      where: where(app.name),
      subject: `${name} apps ${app.name}`,
      code: "E_IMAGE_NOT_IN_BUNDLE",
      holder: "an image of the bundle",
      fix: "run sealift bundle lock, and bring in the new bundle",
    }),
  );
}

function rightProblems(
  host: AppHost,
  app: App,
  { services }: ComposeProject,
  where: PlaceOf,
): readonly Problem[] {
  const { allow = [] } = app;
  return services.flatMap(({ name, needs = [] }) =>
    needs
      .filter((need) => !allow.includes(need))
      .map((need) =>
        problemOf("E_APP_RIGHTS", where, host, app, [
          `service ${name} needs ${need}: ${need === "logging" ? "what it prints would leave this host, or the engine would open files of the host for it" : "it could do on this host what root can do"}`,
          allow.length === 0 ? "no rights over the host" : `no rights but ${allow.join(", ")}`,
          `change the Compose file, or add allow: [${[...allow, need].join(", ")}] to the application in the site`,
        ]),
      ),
  );
}

/** The bundle carries no content of a secret, so that the site names a file for each, and for no other. */
function secretProblems(
  host: AppHost,
  app: App,
  { secrets: needed = [] }: ComposeProject,
  where: PlaceOf,
): readonly Problem[] {
  const given = Object.keys(app.secrets ?? {});
  const missing = needed.filter((name) => !given.includes(name));
  const unknown = given.filter((name) => !needed.includes(name));
  return [
    ...missing.map((name) =>
      problemOf("E_KEY_MISSING", where, host, app, [
        `no file for secret ${name} of its Compose file`,
        "a file for each of its secrets",
        `add secrets: { ${name}: secrets/${app.name}-${name}.age } to the application, and create the file with sealift secret edit`,
      ]),
    ),
    ...unknown.map((name) =>
      problemOf("E_KEY_UNKNOWN", where, host, app, [
        `secret ${name}, which its Compose file does not have as a file`,
        `its secrets: ${needed.join(", ") || "none"}`,
        "correct the name, or remove it",
      ]),
    ),
  ];
}

/** Bind mounts may lie on the volumes of the site, beside what Sealift itself keeps there. */
function pathProblems(
  host: AppHost,
  app: App,
  { services }: ComposeProject,
  where: PlaceOf,
): readonly Problem[] {
  const { volumes, registry, daemon } = host;
  const { allow = [] } = app;
  const mounts = [...volumes.logicalVolumes, ...(volumes.existing ?? [])].map(({ mount }) => mount);
  const own = [
    releaseFolder,
    daemon["data-root"],
    ...(registry?.serves === undefined ? [] : [registry.serves.mount]),
    ...(volumes.journal === undefined ? [] : [volumes.journal.mount]),
    // A restore moves it aside as a whole.
    ...host.apps.flatMap(({ data = {} }) => Object.values(data).map(({ path: folder }) => folder)),
    ...(host.store === undefined ? [] : [`${host.store.mount}/restic`]),
  ];
  return services.flatMap(({ name, hostPaths = [], needs = [] }) =>
    hostPaths
      .filter(
        (path) =>
          !allow.includes(path) &&
          !(needs.includes("docker.sock") && path.endsWith("/docker.sock")) &&
          (!mounts.some((mount) => isBelow(path, mount)) ||
            own.some((kept) => isBelow(path, kept) || isBelow(kept, path))),
      )
      .map((path) =>
        problemOf("E_APP_PATH", where, host, app, [
          `service ${name} mounts ${path} of the host`,
          `a path on a volume of the site for applications: ${mounts.filter((mount) => !own.includes(mount)).join(", ") || "it has none"}`,
          `use a named volume or such a path, or add allow: [${[...allow, path].join(", ")}] to the application in the site`,
        ]),
      ),
  );
}

/** Where the releases of applications lie if the site has a volume for them. */
const releaseFolder = "/svc/apps";

function isBelow(path: string, folder: string): boolean {
  return `${posix.normalize(path)}/`.startsWith(`${folder}/`);
}

/** Ports of a host that one user takes. */
interface TakenPorts {
  readonly app?: AppSpec;
  /** `shop service web`, `sshd`. */
  readonly user: string;
  readonly from: number;
  readonly to: number;
  readonly protocol: PublishedPort["protocol"];
  /** Absent: all. */
  readonly address?: string;
}

function portsOf(app: AppSpec, { services }: ComposeProject): readonly TakenPorts[] {
  return services.flatMap(({ name, ports = [] }) =>
    ports.flatMap(({ published, protocol, address }): readonly TakenPorts[] => {
      const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(filled(published, app.values ?? {})) ?? [];
      // Compose reports a variable without a value.
      if (from === undefined) return [];
      const user = `${app.name} service ${name}`;
      const own = address === undefined ? {} : { address: filled(address, app.values ?? {}) };
      return [{ app, user, from: Number(from), to: Number(to), protocol, ...own }];
    }),
  );
}

/** `$NAME`, `${NAME}`, and `${NAME:-default}` of ports: compose-spec, 12-interpolation.md. */
function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\{([^{}]*)\}|\$(\w+)/g,
    (_all, braced: string | undefined, bare: string | undefined) => {
      const inner = braced ?? bare ?? "";
      const [name = ""] = /^\w+/.exec(inner) ?? [];
      const rest = inner.slice(name.length).replace(/^:/, "");
      return values[name] ?? (rest.startsWith("-") ? rest.slice(1) : "");
    },
  );
}

function portProblems(host: AppHost, ports: readonly TakenPorts[], where: PlaceOf): readonly Problem[] {
  const { registry } = host;
  const served = registry?.serves;
  const taken: readonly TakenPorts[] = [
    { user: "sshd", from: host.port, to: host.port, protocol: "tcp" },
    ...(served === undefined
      ? []
      : [registry?.port ?? 0, served.writerPort].map((port): TakenPorts => ({
          ...{ user: "the registry of the site", from: port, to: port, protocol: "tcp" },
        }))),
    ...ports,
  ];
  return ports.flatMap((port): readonly Problem[] => {
    const other = taken.slice(0, taken.indexOf(port)).find((one) => meet(one, port));
    if (other === undefined || port.app === undefined) return [];
    const range = port.from === port.to ? String(port.from) : `${port.from}-${port.to}`;
    return [
      problemOf("E_APP_PORT", where, host, port.app, [
        `${port.user} publishes ${range}/${port.protocol}, and so does ${other.user}`,
        "each port of a host published once",
        "publish another port, for example by a variable of the Compose file and values: of the application, or run one of them on another host",
      ]),
    ];
  });
}

function meet(a: TakenPorts, b: TakenPorts): boolean {
  const same = a.address === undefined || b.address === undefined || a.address === b.address;
  return same && a.protocol === b.protocol && a.from <= b.to && b.from <= a.to;
}
