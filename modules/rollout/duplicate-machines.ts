/** Hosts of a site that are one machine under two names or addresses: two plans would change it in turn. Pure. */
import { endpoint } from "../core/endpoint.ts";
import type { Problem } from "../core/errors.ts";
import type { Probe } from "../core/host/probe.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import { bootCode } from "../preflight/steps.ts";

interface HostMachine {
  readonly spec: HostSpec;
  readonly probe: Probe;
}

/**
 * Both must be equal: a host can report any boot id, but cannot use another host's key; clones of one image may share the key.
 */
export function duplicateMachineProblems(hosts: readonly HostMachine[]): readonly Problem[] {
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
        subject: endpoint(spec.address, spec.port),
        found: `the same machine as ${other.name} at ${endpoint(other.address, other.port)}`,
        expected: "a different machine for each host of the site",
        fix: "remove one of the two hosts from the site file, or correct its address",
      },
    ];
  });
}
