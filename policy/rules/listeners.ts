import { at, firstMatch, type RuleResource } from "./rule.ts";

const listening: readonly RegExp[] = [
  // dockerd(8): -H, --host.
  /(^|\s)(-H|--host)[\s=]*["']?tcp:\/\/[^\s"']*/,
  // daemon.json: hosts.
  /"hosts"\s*:\s*\[[^\]]*"tcp:\/\/[^"]*"/,
  // systemd.socket(5); 2375 and 2376 are the ports of the engine (IANA).
  /^\s*ListenStream\s*=\s*(\S*:)?237[56]\s*$/m,
];

/** Reads every text of every resource, and the host that a provider of Docker connects to. */
export function listeners({ type, name, props }: RuleResource): readonly string[] {
  const host = type === "pulumi:providers:docker" ? at(props, "host") : undefined;
  if (typeof host === "string" && /^(tcp|https?):/i.test(host))
    return [`${name} connects to an engine over TCP (${host.slice(0, 80)}); use ssh://<user>@<host>`];
  const found = firstMatch(props, listening);
  return found === undefined
    ? []
    : [`${name} makes an engine listen on TCP (${found}); remove the listener and use ssh`];
}
