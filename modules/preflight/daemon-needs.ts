/** What the keys of daemon.json require of a host: arguments of check_daemon_needs, one per requirement. Pure. */
import type { DaemonSpec, HostSpec } from "../core/site/site-spec.ts";

interface Runtime {
  readonly path?: string;
}

export function daemonNeeds({ daemon, users }: Pick<HostSpec, "daemon" | "users">): readonly string[] {
  return [
    ...bridge(daemon),
    ...remap(daemon, new Set(users.map(({ name }) => name))),
    ...files(daemon),
    ...runtime(daemon),
    ...forwarding(daemon),
    ...(daemon["selinux-enabled"] === true ? ["selinux"] : []),
  ];
}

function bridge({ bridge: name }: DaemonSpec): readonly string[] {
  return typeof name === "string" && name !== "none" && name !== "docker0" ? [`bridge:${name}`] : [];
}

/** The engine creates "default", and Sealift the site's own users, later in the same run. */
function remap({ "userns-remap": user }: DaemonSpec, made: ReadonlySet<string>): readonly string[] {
  if (typeof user !== "string" || user === "default") return [];
  return made.has(user.split(":")[0] ?? "") ? [] : [`remap:${user}`];
}

function files(daemon: DaemonSpec): readonly string[] {
  const profile = daemon["seccomp-profile"];
  const options = (daemon["log-opts"] ?? {}) as Readonly<Record<string, string>>;
  const [, socket] = /^unix(?:gram)?:\/\/(\/.*)$/.exec(options["syslog-address"] ?? "") ?? [];
  return [
    ...(typeof profile === "string" && profile.startsWith("/") ? [profile] : []),
    ...(socket === undefined ? [] : [socket]),
  ].map((path) => `file:${path}`);
}

/** Only the default runtime needs its program: no container starts without it. */
function runtime(daemon: DaemonSpec): readonly string[] {
  const runtimes = (daemon["runtimes"] ?? {}) as Readonly<Record<string, Runtime>>;
  const path = runtimes[String(daemon["default-runtime"])]?.path;
  return path === undefined ? [] : [`program:${path}`];
}

function forwarding(daemon: DaemonSpec): readonly string[] {
  if (daemon["firewall-backend"] !== "nftables" || daemon["ip-forward"] === false) return [];
  return ["forwarding:4", ...(daemon["ipv6"] === true ? ["forwarding:6"] : [])];
}
