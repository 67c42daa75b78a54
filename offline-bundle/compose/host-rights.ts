/** What a service takes from its host: ports, paths, and rights over all of it. Pure. */
import { type HostRight, hostRights, type PublishedPort } from "../../modules/core/host/compose-project.ts";
import { isRecord } from "../io/json.ts";
import type { ComposeModel } from "./compose-plugin.ts";
import { hasVariable, listAt, textAt } from "./model-values.ts";

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
/** With any of these, a container can leave its namespaces. */
const allPowerful = /^(CAP_)?(ALL|SYS_ADMIN|SYS_MODULE|SYS_PTRACE|SYS_RAWIO)$/i;

/** @param hostPaths that it mounts. @returns sorted, each once. */
export function rightsOf(service: ComposeModel, hostPaths: readonly string[]): readonly HostRight[] {
  const socket = hostPaths.some((path) => /\/docker\.sock$/.test(path) || socketFolders.includes(path));
  const privileged =
    service["privileged"] === true ||
    service["privileged"] === "true" ||
    listAt(service, "cap_add").some((one) => allPowerful.test(String(one)));
  const held = new Set<HostRight>([
    ...(socket || service["use_api_socket"] === true ? (["docker.sock"] as const) : []),
    ...(privileged ? (["privileged"] as const) : []),
    ...Object.entries(namespaces).flatMap(([key, right]) => (service[key] === "host" ? [right] : [])),
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
