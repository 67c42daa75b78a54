/** What a service takes from its host: ports, paths, and rights over all of it. Pure. */
import { type HostRight, hostRights, type PublishedPort } from "../../modules/core/host/compose-project.ts";
import { isRecord } from "../io/json.ts";
import type { ComposeModel } from "./compose-plugin.ts";
import { hasVariable, listAt, recordAt, textAt } from "./model-values.ts";

/** The host's namespaces by the key that shares them. */
const namespaces: Readonly<Record<string, HostRight>> = {
  cgroup: "host-cgroup",
  ipc: "host-ipc",
  network_mode: "host-network",
  pid: "host-pid",
  userns_mode: "host-userns",
  uts: "host-uts",
};

/** Folders that contain the socket of the engine. */
const socketFolders = ["/", "/run", "/var", "/var/run"];
/** What the engine gives to every container: to name it again, after `cap_drop: [ALL]`, is no right over the host. */
const capabilities = [
  ...[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
  ],
  ...["SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"],
];
/** How the plugin reads a text as no. */
const switchedOff = [undefined, null, false, "false", "n", "no", "off"] as readonly unknown[];
const hooks = ["pre_start", "post_start", "pre_stop"];

/** Drivers that keep what a container prints on its host. Syslog does while it has no address. */
const localLogs = ["", "json-file", "local", "journald", "none", "syslog"];
/** Options of theirs that name neither an address nor a file. */
const plainLogOptions = [
  ...["cache-compress", "cache-disabled", "cache-max-file", "cache-max-size", "compress", "env", "env-regex"],
  ...["labels", "labels-regex", "max-buffer-size", "max-file", "max-size", "mode", "syslog-facility"],
  ...["syslog-format", "tag"],
];

/** The keys that decide over the host. A variable in one of them would decide on the host, where no rule of the site sees it. */
export const decidingKeys = [
  ...[
    "privileged",
    "cap_add",
    "cgroup_parent",
    "devices",
    "device_cgroup_rules",
    "gpus",
    "logging",
    "runtime",
  ],
  ...["security_opt", "use_api_socket", "volumes_from", ...Object.keys(namespaces), ...hooks],
] as const;

/** @returns the values of one of {@link decidingKeys} that decide. */
export function decidingValues(service: ComposeModel, key: string): readonly unknown[] {
  if (hooks.includes(key))
    return listAt(service, key).map((hook) => (isRecord(hook) ? hook["privileged"] : undefined));
  if (key === "logging") return [recordAt(service, key)["driver"], otherLogOptions(service)];
  return [service[key]];
}

function otherLogOptions(service: ComposeModel): readonly (readonly [name: string, value: unknown])[] {
  const options = recordAt(recordAt(service, "logging"), "options");
  return Object.entries(options).filter(([name]) => !plainLogOptions.includes(name));
}

/** Of `deploy`: what `devices` is for other services. */
export function reservedDevices(service: ComposeModel): readonly unknown[] {
  const resources = recordAt(recordAt(service, "deploy"), "resources");
  return listAt(recordAt(resources, "reservations"), "devices");
}

/** Drivers of networks that lie behind the addresses of the host. Others put a container beside it, on the host's own network. */
const innerNetworks = ["", "bridge", "default", "none", "null"];

/** @param networks of the project. */
function isBesideHost(service: ComposeModel, networks: ComposeModel): boolean {
  return Object.keys(recordAt(service, "networks")).some(
    (name) => !innerNetworks.includes(textAt(recordAt(networks, name), "driver") ?? ""),
  );
}

/** @param hostPaths that it mounts. @param networks of the project. @returns sorted, each once. */
export function rightsOf(
  service: ComposeModel,
  hostPaths: readonly string[],
  networks: ComposeModel,
): readonly HostRight[] {
  const socket = hostPaths.some((path) => /\/docker\.sock$/.test(path) || socketFolders.includes(path));
  const privileged =
    ["privileged", ...hooks].some((key) =>
      decidingValues(service, key).some((value) => !switchedOff.includes(value)),
    ) ||
    listAt(service, "cap_add").some(
      (one) => !capabilities.includes(String(one).toUpperCase().replace(/^CAP_/, "")),
    );
  const devices = [
    ...["devices", "device_cgroup_rules", "gpus"].flatMap((key) => listAt(service, key)),
    ...reservedDevices(service),
  ];
  const weaker = listAt(service, "security_opt").some(
    (one) => !/^no-new-privileges([:=]true)?$/.test(String(one)),
  );
  const leavesByLog =
    !localLogs.includes(textAt(recordAt(service, "logging"), "driver") ?? "") ||
    otherLogOptions(service).length > 0;
  const held = new Set<HostRight>([
    ...(socket || !switchedOff.includes(service["use_api_socket"]) ? (["docker.sock"] as const) : []),
    ...(privileged ? (["privileged"] as const) : []),
    ...(devices.length > 0 ? (["devices"] as const) : []),
    ...(textAt(service, "runtime") === undefined ? [] : (["runtime"] as const)),
    ...(weaker ? (["security-options"] as const) : []),
    ...Object.entries(namespaces).flatMap(([key, right]) => (service[key] === "host" ? [right] : [])),
    // A place in the tree of control groups beside those of all containers, with none of their limits.
    ...(textAt(service, "cgroup_parent") === undefined ? [] : (["host-cgroup"] as const)),
    ...(isBesideHost(service, networks) ? (["host-network"] as const) : []),
    ...(leavesByLog ? (["logging"] as const) : []),
  ]);
  return hostRights.filter((right) => held.has(right));
}

/**
 * Published ports. The plugin leaves the short notation as it is where a variable is part of it (compose-spec, 05-services.md, "ports").
 *
 * @returns a text for a port that cannot be read.
 */
export function portsOf(service: ComposeModel): readonly (PublishedPort | string)[] {
  return listAt(service, "ports").flatMap((port): readonly (PublishedPort | string)[] => {
    if (isRecord(port)) {
      const published = textAt(port, "published") ?? "";
      const address = textAt(port, "host_ip");
      if (published === "" || published === "0") return [];
      return [portOf(published, textAt(port, "protocol"), address) ?? published];
    }
    const text = String(port);
    const [, protocol = "tcp"] = /\/([a-z]+)$/.exec(text) ?? [];
    const parts = partsOf(text.replace(/\/[a-z]+$/, ""));
    const [published, address] = [parts.at(-2), parts.at(-3)];
    if (parts.length > 3) return [text];
    if (published === undefined || published === "") return [];
    return [portOf(published, protocol, address) ?? text];
  });
}

function portOf(published: string, protocol = "tcp", address = ""): PublishedPort | undefined {
  const isPort = hasVariable(published) || /^\d+(-\d+)?$/.test(published);
  if (!isPort || (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp")) return undefined;
  const own = address === "0.0.0.0" || address === "" ? {} : { address };
  return { published, protocol, ...own };
}

/** Split at colons that are neither in `${…}` nor in `[…]`. */
function partsOf(text: string): readonly string[] {
  const parts = [""];
  let depth = 0;
  for (const one of text) {
    if (one === "{" || one === "[") depth++;
    if (one === "}" || one === "]") depth--;
    if (one === ":" && depth === 0) parts.push("");
    else parts.push(`${parts.pop() ?? ""}${one}`);
  }
  return parts.map((part) => part.replace(/^\[(.*)\]$/, "$1"));
}

/** Paths of the host that a top-level volume is, or is made of: its driver mounts them. */
export function pathsOfVolume(volume: ComposeModel): readonly string[] {
  const options = recordAt(volume, "driver_opts");
  const [type = "", device = "", o = ""] = ["type", "device", "o"].map((key) => textAt(options, key));
  // With bind, the kernel ignores the type. The engine runs in the folder `/`.
  const bound = o.split(",").some((one) => one === "bind" || one === "rbind");
  const elsewhere = /^(cifs|smb3|tmpfs)$/.test(type) || (/^nfs4?$/.test(type) && device.includes(":"));
  const others = Object.keys(options).filter((key) => key !== "type" && key !== "device");
  return [
    ...(device === "" || (elsewhere && !bound) ? [] : [`/${device}`]),
    // As overlay and plugins have them: lowerdir=/a:/b
    ...others.flatMap((key) =>
      (textAt(options, key) ?? "").split(/[,:=]/).filter((one) => one.startsWith("/")),
    ),
  ];
}
