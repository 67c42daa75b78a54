/** Hosts of a site that are one machine under two names or addresses: two plans would change it in turns. Pure. */
import type { Problem } from "./core/errors.ts";
import type { Probe } from "./core/probe.ts";
import type { HostSpec } from "./core/site-spec.ts";
import { bootCode } from "./preflight/steps.ts";

interface Seen {
  readonly spec: HostSpec;
  readonly probe: Probe;
}

/** Both have to be the same: a host may say any boot, but not with another host's key; clones of one image may share the key. */
export function twinProblems(hosts: readonly Seen[]): readonly Problem[] {
  const first = new Map<string, HostSpec>();
  return hosts.flatMap(({ spec, probe }): Problem[] => {
    const boot = probe.kind === "reached" ? probe.report.values?.[bootCode] : undefined;
    if (boot === undefined || !/^[0-9a-f-]{36}$/.test(boot)) return [];
    const key = `${boot} ${spec.hostKey}`;
    const other = first.get(key);
    first.set(key, other ?? spec);
    if (other === undefined) return [];
    return [
      {
        where: spec.name,
        code: "E_DUPLICATE",
        subject: `${spec.address}:${spec.port}`,
        got: `the machine that answers as ${other.name} at ${other.address}:${other.port}, too`,
        expected: "another machine for each host of the site",
        todo: "remove one of the two hosts from the site file, or correct its address",
      },
    ];
  });
}
