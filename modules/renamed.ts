/** Hosts that this stack knows by another name: Pulumi would show all of their resources as created and deleted, though no host is touched. */
import * as pulumi from "@pulumi/pulumi";
import type { Problem } from "./core/errors.ts";
import type { HostSpec } from "./core/site-spec.ts";

type Named = Pick<HostSpec, "name" | "hostKey" | "formerName">;

/** What to say of them; nothing where the state cannot be asked. */
export async function renamedHosts(hosts: readonly Named[]): Promise<readonly Problem[]> {
  const name = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  try {
    // What a StackReference asks, without a resource of its own (pulumi 3.259, pkg/resource/deploy/builtins.go).
    const said: unknown = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name });
    return renamed((said as { outputs?: { hosts?: unknown } }).outputs?.hosts, hosts);
  } catch {
    return [];
  }
}

/**
 * Pure. A host is the same when its key is: the names of stack and site are compared by it.
 * @param known the output `hosts` of the last update, whatever is in it.
 */
export function renamed(known: unknown, hosts: readonly Named[]): readonly Problem[] {
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
        got: `the host key of ${former}, as this stack knows it`,
        expected: `the same name, or formerName: ${former}`,
        todo: `add formerName: ${former} to the host in the site. Without it Pulumi shows every resource of ${former} as deleted and of ${name} as created: the host itself is not touched by either`,
      },
    ];
  });
}
