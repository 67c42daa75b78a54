/**
 * Hosts that this stack knows by another name: Pulumi would show all of their resources as created and deleted, although no host
 * is changed.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Problem } from "../core/errors.ts";
import type { HostSpec } from "../core/site/site-spec.ts";

type Named = Pick<HostSpec, "name" | "hostKey" | "formerName">;

/** Warnings about such hosts; empty where the state cannot be queried. */
export async function renamedHosts(hosts: readonly Named[]): Promise<readonly Problem[]> {
  const name = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  try {
    // What a StackReference requests, without a resource of its own (pulumi 3.259, pkg/resource/deploy/builtins.go).
    const outputs: unknown = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name });
    return renamedHostProblems((outputs as { outputs?: { hosts?: unknown } }).outputs?.hosts, hosts);
  } catch {
    return [];
  }
}

/**
 * Pure. A host is the same when its key is: the names in the stack and in the site are matched by key.
 *
 * @param known the output `hosts` of the last update, unvalidated.
 */
export function renamedHostProblems(known: unknown, hosts: readonly Named[]): readonly Problem[] {
  if (typeof known !== "object" || known === null) return [];
  const names = new Set(hosts.map(({ name }) => name));
  const gone = Object.entries(known as Readonly<Record<string, { hostKey?: unknown } | null>>).filter(
    ([name]) => !names.has(name),
  );
  return hosts.flatMap(({ name, hostKey, formerName }) => {
    if (Object.hasOwn(known, name)) return [];
    const [former] = gone.find(([, host]) => host?.hostKey === hostKey) ?? [];
    if (former === undefined || former === formerName) return [];
    return [
      {
        where: name,
        code: "E_RENAMED",
        subject: `the host ${name}`,
        found: `the host key that this stack has recorded for ${former}`,
        expected: `the name ${former}, or formerName: ${former}`,
        fix: `add formerName: ${former} to the host in the site; otherwise Pulumi shows every resource of ${former} as deleted and every resource of ${name} as created, although the host itself does not change`,
      },
    ];
  });
}
