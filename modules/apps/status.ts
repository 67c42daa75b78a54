/** What a host says about one of its applications. Pure. */

export interface AppStatus {
  /** The release that runs or ran last; absent: the application was never deployed. */
  readonly release?: string;
  /** Sorted by name. */
  readonly services: readonly ServiceStatus[];
  readonly update?: AppUpdate;
  /** Containers that the host does not list. */
  readonly more: number;
}

export interface ServiceStatus {
  readonly name: string;
  readonly containers: number;
  /** Of its containers the worst; `running` is one without a health check, `ended` one that has ended with 0. */
  readonly health: ServiceHealth;
  /** Images of its containers, `sha256:…`: of the configuration, or of the manifest with the containerd store. Usually one. */
  readonly images: readonly string[];
  /** The newest start of a container, ISO 8601, UTC. */
  readonly since?: string;
  /** By the engine, of all its containers. */
  readonly restarts: number;
}

/** From the best to the worst. */
const serviceHealths = [
  "healthy",
  "running",
  "ended",
  "starting",
  "created",
  "paused",
  "unhealthy",
  "restarting",
  "exited",
  "dead",
] as const;
export type ServiceHealth = (typeof serviceHealths)[number];

export interface AppUpdate {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Release before; absent: there was none. */
  readonly from?: string;
  readonly to: string;
  /** By service, how long it was down in milliseconds; the longest first. */
  readonly down: readonly { readonly service: string; readonly milliseconds: number }[];
}

/** Whether a service does what it is there for. */
export function isWell(health: ServiceHealth): boolean {
  return health === "healthy" || health === "running" || health === "ended";
}

/** Code of the step whose value this is. */
export function appStatusCode(app: string): string {
  return `apps.${app}.status`;
}

/** Code of the fact of one of its services. */
export function appServiceCode(app: string, service: string): string {
  return `apps.${app}.service.${service}`;
}

/** `2.4.0` of `2.4.0-5f3a90c1`. */
export function versionOf(release: string): string {
  return release.replace(/-[0-9a-f]{8}$/, "");
}

const name = /^[A-Za-z0-9._+-]{1,100}$/;
const count = /^\d{1,9}$/;
const seconds = /^\d{1,11}$/;
const image = /^sha256:[0-9a-f]{64}$/;
const mostWords = 1000;

/** Untrusted input from the host. @param value as status.sh writes it; what has another form is left out or counted. */
export function parseAppStatus(value: string): AppStatus {
  const words = value.split(" ", mostWords).map((word): [string, string] => {
    const cut = word.indexOf("=");
    return [word.slice(0, Math.max(cut, 0)), word.slice(cut + 1)];
  });
  const of = (key: string): string[] => words.flatMap(([word, text]) => (word === key ? [text] : []));
  const listed = of("containers");
  const containers = listed.flatMap(containersOf);
  const update = updateOf(of("updated")[0] ?? "", of("down"));
  const release = of("release").find((text) => name.test(text));
  const [more = "0"] = of("more");
  return {
    ...(release === undefined ? {} : { release }),
    services: [...Map.groupBy(containers, (one) => one.name).values()]
      .map(serviceOf)
      .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    ...(update === undefined ? {} : { update }),
    more: (count.test(more) ? Number(more) : 0) + listed.length - containers.length,
  };
}

/** Containers of a service that are alike. */
interface Alike extends Omit<ServiceStatus, "images"> {
  readonly image: string;
}

function containersOf(text: string): Alike[] {
  const [
    service = "",
    number = "",
    state = "",
    health = "",
    exit = "",
    restarts = "",
    since = "",
    id = "",
    ...rest
  ] = text.split(",");
  const found = healthOf(state, health, exit);
  if (rest.length > 0 || found === undefined || !name.test(service) || !image.test(id)) return [];
  if (![number, exit, restarts].every((one) => count.test(one))) return [];
  const start = isoTime(since);
  return [
    {
      ...{ name: service, containers: Number(number), health: found, image: id, restarts: Number(restarts) },
      ...(start === undefined ? {} : { since: start }),
    },
  ];
}

function healthOf(state: string, health: string, exit: string): ServiceHealth | undefined {
  switch (state) {
    case "running":
      if (health === "none") return "running";
      return serviceHealths.find(
        (one) => one === health && ["healthy", "starting", "unhealthy"].includes(one),
      );
    case "exited":
      return exit === "0" ? "ended" : "exited";
    case "created":
    case "paused":
    case "restarting":
    case "dead":
      return state;
    case "removing":
      return "dead";
    default:
      return undefined;
  }
}

function serviceOf(alike: readonly Alike[]): ServiceStatus {
  const worst = Math.max(...alike.map(({ health }) => serviceHealths.indexOf(health)));
  const since = newest(alike);
  return {
    name: alike[0]?.name ?? "",
    containers: sum(alike.map(({ containers }) => containers)),
    health: serviceHealths[worst] ?? "dead",
    images: [...new Set(alike.map((one) => one.image))],
    ...(since === undefined ? {} : { since }),
    restarts: sum(alike.map(({ restarts }) => restarts)),
  };
}

/** The newest start of several; undefined when nothing was started. */
export function newest(several: readonly { readonly since?: string }[]): string | undefined {
  return several
    .flatMap(({ since }) => since ?? [])
    .toSorted()
    .at(-1);
}

function updateOf(text: string, downs: readonly string[]): AppUpdate | undefined {
  const [at = "", from = "", to = "", ...rest] = text.split(",");
  if (rest.length > 0 || !seconds.test(at) || !name.test(to)) return undefined;
  const down = downs.flatMap((one) => {
    const [service = "", milliseconds = "", ...others] = one.split(",");
    if (others.length > 0 || !name.test(service) || !seconds.test(milliseconds)) return [];
    return [{ service, milliseconds: Number(milliseconds) }];
  });
  return {
    at: withoutFraction(new Date(Number(at) * 1000)),
    ...(name.test(from) && from !== "-" ? { from } : {}),
    to,
    down: down.toSorted((one, other) => other.milliseconds - one.milliseconds),
  };
}

/** Docker writes the year 1 for a container that was never started. */
function isoTime(text: string): string | undefined {
  if (!/^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return undefined;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : withoutFraction(time);
}

function withoutFraction(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
