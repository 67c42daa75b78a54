/** What a program imports from Sealift: one function, and the types of what it takes and returns. */
import * as pulumi from "@pulumi/pulumi";
import { refuse, SealiftError, type Problem } from "./core/errors.ts";
import { installationProblems } from "./core/installed-packages.ts";
import { asRunError, failWith, reportFailuresOnce } from "./core/pulumi/as-run-error.ts";
import { endOf } from "./core/pulumi/known-output.ts";
import { plainSite, withPlaceholders, type PlainSite } from "./core/pulumi/program-site.ts";
import type { SiteInput } from "./core/pulumi/site-types.ts";
import { skipUnusedTraces } from "./core/pulumi/stack-traces.ts";
import { readSite } from "./core/site/site.ts";
import { programSite, siteText, type SiteText } from "./core/site/site-text.ts";
import { expectReceipt, writeRunReceipt } from "./receipt/issue.ts";
import type { HostContext } from "./rollout/host-resources.ts";
import { keepOutputs, type HostOutput, type RegistryOutput, type SiteOutputs } from "./rollout/outputs.ts";
import { planSite } from "./rollout/plan-site.ts";
import { provisionHosts } from "./rollout/provision-hosts.ts";

export type {
  ClassInput as Class,
  ContainerLimitsInput as ContainerLimits,
  DaemonInput as Daemon,
  EngineInput as Engine,
  HostInput as Host,
  JumpHostInput as JumpHost,
  RegistryInput as Registry,
  SiteInput as Site,
  TeamInput as Team,
  UsersInput as Users,
  VolumesInput as Volumes,
} from "./core/pulumi/site-types.ts";
export type { HostOutput, RegistryOutput, SiteOutputs } from "./rollout/outputs.ts";

/** A site after its run. */
export interface ProvisionedSite {
  /** The hosts that were begun, by name. */
  readonly hosts: Readonly<Record<string, ProvisionedHost>>;
  /** Absent from a site without one. */
  readonly registry?: pulumi.Output<RegistryOutput>;
  /** For the program's own `export default`: what other stacks read by a StackReference (docs/guide/outputs.md). */
  readonly outputs: SiteOutputs;
  /** For `dependsOn` of resources that need every host of the site. */
  readonly resources: readonly pulumi.Resource[];
}

export interface ProvisionedHost {
  /** Its component, for `dependsOn`. `sealift:core:Host`. */
  readonly resource: pulumi.ComponentResource;
  /** Address, host key, versions, URL of the engine for each user, and how many facts hold. Known when the host is done. */
  readonly outputs: pulumi.Output<HostOutput>;
}

/** The hosts of a site that a program has written are its children. */
class SiteResource extends pulumi.ComponentResource {
  constructor(opts: pulumi.ComponentResourceOptions) {
    super("sealift:rollout:Site", "site", {}, opts);
  }

  end(): void {
    this.registerOutputs();
  }
}

/** A host that was a child of this site before, because a program had written it, keeps its resources when the site moves to a file. */
function siteUrn(): pulumi.Output<string> {
  return pulumi.createUrn("site", "sealift:rollout:Site");
}

let called = false;

/**
 * Provisions the site of this stack: probes every host, refuses what has to be refused, then changes hosts wave after wave. Await it; it returns when
 * every host is done. One Pulumi stack is one site, so that a program calls it once.
 *
 * @param site the site; an Output that is a host's address, port or host key may become known during the update. By default stacks/<stack>.site.yaml.
 * @param opts of the component `sealift:rollout:Site` around the hosts: parent, dependsOn, transforms, aliases and others. No host is probed before
 * everything that `dependsOn` names is there. With neither site nor options there is no such component, as in every stack of an earlier version.
 * @throws {pulumi.RunError} with every problem, before anything is changed on any host.
 */
export async function provisionSite(
  site?: SiteInput,
  opts?: pulumi.ComponentResourceOptions,
): Promise<ProvisionedSite> {
  const began = new Date();
  const stack = pulumi.getStack();
  skipUnusedTraces();
  keepOutputs();
  reportFailuresOnce();
  const { plan, around, resource } = await asRunError(async () => {
    // Resources of one copy of Pulumi do not exist for another, so this comes before the first resource.
    refuse(installationProblems(process.cwd()));
    if (called) throw new SealiftError([calledTwice]);
    called = true;
    const source: SiteSource =
      site === undefined && opts === undefined
        ? { ...siteOfStack(stack), around: () => ({ opts: { aliases: [{ parent: siteUrn() }] } }) }
        : await siteOfProgram(stack, site, opts ?? {});
    const plan = await planSite(source.value, source.file, source.unprobed);
    await expectReceipt(plan, stack);
    return { ...source, plan };
  });
  const { provisioned: started, hosts, hostOutputs, problems, outputs } = await provisionHosts(plan, around);
  resource?.end();
  failWith([...problems, ...(await writeRunReceipt(plan, started, stack, began))]);
  const provisioned = [...hosts].flatMap(([name, host]) => {
    const own = hostOutputs[name];
    return own === undefined ? [] : [[name, { resource: host, outputs: own }] as const];
  });
  return { ...outputs, hosts: Object.fromEntries(provisioned), outputs, resources: [...hosts.values()] };
}

/** Where a site is written, and what the program has for its hosts. */
interface SiteSource extends SiteText, Partial<Pick<PlainSite, "unprobed">> {
  readonly around?: (host: string) => HostContext;
  readonly resource?: SiteResource;
}

function siteOfStack(stack: string): SiteText {
  return siteText(stack, new pulumi.Config("sealift").getObject("site"));
}

/** @param site absent: that of the stack. */
async function siteOfProgram(
  stack: string,
  site: SiteInput | undefined,
  opts: pulumi.ComponentResourceOptions,
): Promise<SiteSource> {
  // What is wrong with the rest shows at once; a machine may take minutes to start.
  if (site !== undefined) readSite(withPlaceholders(site), programSite);
  const resource = new SiteResource(opts);
  // It is registered when everything that `dependsOn` names is there.
  await endOf(resource.urn);
  // A host that was a child of the stack before keeps its resources.
  const child = { parent: resource, aliases: [{ parent: pulumi.rootStackResource }] };
  if (site === undefined) return { ...siteOfStack(stack), around: () => ({ opts: child }), resource };
  const { value, unprobed, outputs } = await plainSite(site);
  const around = (host: string): HostContext => {
    const ofHost = outputs.get(host);
    return { opts: child, ...(ofHost === undefined ? {} : { outputs: ofHost }) };
  };
  return { value, file: programSite, unprobed, around, resource };
}

const calledTwice: Problem = {
  where: programSite,
  code: "E_DUPLICATE",
  subject: "provisionSite",
  found: "a second call in one program",
  expected: "one call: one Pulumi stack is one site",
  fix: "write all hosts into one site, or make a stack of each site",
};
