/** Rules for runtimes, for repeated addresses, and for keys that exclude live-restore. */
import { isIP } from "node:net";
import type { Problem } from "../../errors.ts";
import { shown } from "../../shown.ts";
import { list, map, text, type DaemonHost } from "./daemon-host.ts";

interface Runtime {
  readonly path?: string;
  readonly runtimeType?: string;
  readonly runtimeArgs?: readonly string[];
  readonly options?: object;
}

export function runtimeRules(site: DaemonHost): readonly Problem[] {
  return [...runtimes(site), ...standard(site), ...swarm(site), ...resources(site), ...gatewayFamilies(site)];
}

/** Source: setupRuntimes, moby daemon/runtime_unix.go 29.7.2. */
function runtimes({ host, report }: DaemonHost): Problem[] {
  return Object.entries(map(host, "runtimes") as Readonly<Record<string, Runtime>>).flatMap(
    ([name, { path, runtimeType, runtimeArgs, options }]) => {
      const wrong = (found: string, expected: string, fix: string): Problem[] => [
        report(["runtimes", name], "E_CONFLICT", found, expected, fix),
      ];
      if ((path === undefined) === (runtimeType === undefined)) {
        const found = path === undefined ? "neither path nor runtimeType" : "path and runtimeType";
        return wrong(
          found,
          "either path or runtimeType",
          "set path for a program, runtimeType for a containerd shim",
        );
      }
      if (path !== undefined && options !== undefined)
        return wrong("path and options", "options only with runtimeType", "remove options");
      if (runtimeType !== undefined && runtimeArgs !== undefined) {
        return wrong("runtimeType and runtimeArgs", "runtimeArgs only with path", "remove runtimeArgs");
      }
      return [];
    },
  );
}

function standard({ host, report }: DaemonHost): Problem[] {
  const name = text(host, "default-runtime");
  const known = ["runc", ...Object.keys(map(host, "runtimes"))];
  if (name === undefined || known.includes(name) || name.startsWith("io.containerd.")) return [];
  const expected = `runc or a key of runtimes (${known.slice(1).join(", ") || "none defined"})`;
  return [report(["default-runtime"], "E_VALUE", shown(name), expected, "add it to runtimes, or write runc")];
}

/** A Swarm manager or worker refuses to start with live-restore (moby daemon/config, IsSwarmCompatible, 29.7.2). */
function swarm({ host, report }: DaemonHost): Problem[] {
  if (host.daemon["live-restore"] !== true) return [];
  return ["swarm-default-advertise-addr", "node-generic-resources"].flatMap((key) => {
    if (host.daemon[key] === undefined) return [];
    const expected = "live-restore: false, because Swarm refuses live-restore";
    return [
      report(
        [key],
        "E_CONFLICT",
        shown(host.daemon[key]),
        expected,
        "set live-restore: false, or remove the key",
      ),
    ];
  });
}

/**
 * A kind of resource is a number or a list of names, each at most once. Source: Parse of swarmkit api/genericresource, moby
 * 29.7.2.
 */
function resources({ host, report }: DaemonHost): Problem[] {
  const all = list(host, "node-generic-resources").map((text) => text.split("="));
  return all.flatMap(([kind = "", value = ""], index) => {
    const others = all.filter(([other], place) => other === kind && place !== index);
    if (others.length === 0 || !/^[+-]?\d+$/.test(value)) return [];
    const expected = `${kind} once with a number, or only with names`;
    const fix = "remove the number or the other entries";
    return [
      report(["node-generic-resources", index], "E_CONFLICT", shown(`${kind}=${value}`), expected, fix),
    ];
  });
}

function gatewayFamilies({ host, report }: DaemonHost): Problem[] {
  const addresses = list(host, "host-gateway-ips");
  if (new Set(addresses.map((address) => isIP(address))).size === addresses.length) return [];
  const expected = "at most one IPv4 and one IPv6 address";
  return [report(["host-gateway-ips"], "E_VALUE", shown(addresses), expected, "remove one of the two")];
}
