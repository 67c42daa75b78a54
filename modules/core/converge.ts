/** From plans to Pulumi resources. The only file that makes a remote.Command. */
import { randomBytes } from "node:crypto";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { connectionOf, type Connection } from "./connection.ts";
import { deliveryCode, deliveryPhase, type Delivery } from "./delivery.ts";
import { describe, differences, seen, type Difference } from "./drift.ts";
import { formatProblem, type Problem } from "./errors.ts";
import { hostCommand } from "./host-command.ts";
import { libraryPath, writeLibrary, type Library } from "./library.ts";
import type { Probe } from "./probe.ts";
import { type Sending, sendingOfRun } from "./sending.ts";
import type { HostSpec } from "./site-spec.ts";
import { type BundleAge, planText, type Phase } from "./step.ts";

export interface HostArgs {
  readonly spec: HostSpec;
  readonly library: Library;
  /** Bytes that have to be on the host before the first phase. */
  readonly blobs: readonly Delivery[];
  /** What it keeps of other versions. Default nothing. */
  readonly spares?: readonly Delivery[];
  readonly probe: Probe;
  /** What to tell of the host, though it may be changed; one line each. */
  readonly warnings?: readonly Problem[];
  /** For the journal on the host. */
  readonly bundle: BundleAge;
  /** Where blobs are sent from. Default: what this run has copied. */
  readonly sending?: Sending;
}

/**
 * The root of everything on one host: what has to be delivered before its phases.
 * `pulumi destroy` leaves the host as it is.
 */
export class Host extends pulumi.ComponentResource {
  readonly args: HostArgs;
  readonly connection: Connection;
  /** What every phase runs. */
  readonly library: pulumi.Resource;
  /** What only some phases need: they wait for it, and the others run while it travels. */
  readonly blobs: readonly pulumi.Resource[];
  /** The plans of its phases, in the order in which they were made. */
  readonly plans: Plan[] = [];

  constructor(name: string, args: HostArgs, opts?: pulumi.ComponentResourceOptions) {
    // Names of all that is below begin with the host's, so that Pulumi finds them by the same alias.
    const { formerName } = args.spec;
    const aliases = formerName === undefined ? {} : { aliases: [{ name: formerName }] };
    super("sealift:core:Host", name, {}, { ...aliases, ...opts });
    const { spec, library, blobs, spares = [], probe, warnings = [] } = args;
    this.args = args;
    this.connection = connectionOf(spec);
    const told = probe.kind === "reached" ? warnings : [probe.problem];
    for (const problem of told) void pulumi.log.warn(formatProblem(problem), this);
    const lost = differences(deliveryPhase(library, blobs), probe) ?? [];
    const { sha256 } = library;
    const text = { what: "library", sha256, lands: libraryPath(sha256) };
    this.library = this.deliver(lost, text, () => Promise.resolve(writeLibrary(library)), []);
    // One after the other: both make ~/.sealift.
    this.blobs = blobs.map((blob) => this.deliver(lost, blob, this.pathOf(blob), [this.library]));
    for (const spare of spares) this.deliver([], spare, this.pathOf(spare), [this.library]);
    this.registerOutputs();
  }

  /** More bytes, to a place that a phase has to make first. No other host is sent them. */
  send(deliveries: readonly Delivery[], after: readonly pulumi.Resource[]): readonly pulumi.Resource[] {
    const { library, probe } = this.args;
    const lost = differences(deliveryPhase(library, deliveries), probe) ?? [];
    return deliveries.map((delivery) => {
      const copy = this.deliver(lost, delivery, this.pathOf(delivery), [...after]);
      copy.urn.apply(() => this.sending.sent(delivery));
      return copy;
    });
  }

  private get sending(): Sending {
    return this.args.sending ?? sendingOfRun();
  }

  private pathOf(blob: Delivery): PathOf {
    return (lacks) => this.sending.path(blob, lacks);
  }

  private deliver(
    missing: readonly Difference[],
    { what, sha256, lands }: Pick<Delivery, "what" | "sha256" | "lands">,
    pathOf: PathOf,
    dependsOn: pulumi.Resource[],
  ): remote.CopyToRemote {
    const { spec, probe } = this.args;
    const lost = missing.find(({ step }) => step.code === deliveryCode(what));
    return new remote.CopyToRemote(
      `${spec.name}-${what}`,
      {
        connection: this.connection,
        source: pathOf(lost !== undefined).then((path) => fileOf(path, sha256)),
        remotePath: lands,
        // Another machine behind the same name, or a file that was lost, is a reason to copy; else nothing is.
        triggers: [
          `${spec.address}:${spec.port}`,
          lost === undefined ? "there" : `${lost.found}, ${seen(probe, run)}`,
        ],
      },
      {
        ...{ parent: this, deletedWith: this, dependsOn, customTimeouts },
        ignoreChanges: lost === undefined ? ["triggers"] : [],
      },
    );
  }
}

/** @param lacks whether the host lacks it. */
type PathOf = (lacks: boolean) => Promise<string>;

/**
 * An asset whose hash is known: the bundle has been verified, and the host verifies what arrives. The engine reads every file anew
 * for each host otherwise, in every run. Source: pulumi 3.259, sdk/go/common/resource/plugin/rpc.go (`ComputeAssetHashes`).
 */
function fileOf(path: string, sha256: string): pulumi.asset.FileAsset {
  return Object.assign(new pulumi.asset.FileAsset(path), { hash: sha256 });
}

/** A phase as it was sent to the host. */
export interface Plan {
  /** Of the phase. */
  readonly name: string;
  /** With all that other hosts have reported in this run. */
  readonly phase: pulumi.Output<Phase>;
  /** Whether this run has sent it because of what the look found; known when that is done. */
  readonly repaired: pulumi.Output<boolean>;
}

/**
 * One phase on one host: its plan text goes to the library on standard input.
 * @param settled the phase with what another host reports in this very run; `phase` is what was looked at.
 * @returns what the host reported, one line a step.
 */
export function converge(
  name: string,
  host: Host,
  phase: Phase,
  opts: pulumi.CustomResourceOptions,
  settled?: pulumi.Output<Phase>,
): pulumi.Output<string> {
  const { spec, library, probe, bundle } = host.args;
  const drift = differences(phase, probe);
  const launch = `${hostCommand("login.sh", "launch.sh", "launch", library.sha256)}\n`;
  const comments = note(phase, drift ?? [], probe)
    .map((line) => `# ${line}\n`)
    .join("");
  const planOf = (one: Phase): string => planText(spec.name, one, bundle);
  const plan = settled === undefined ? planOf(phase) : settled.apply(planOf);
  const secret = phase.steps.some((step) => step.secret === true);
  const command = new remote.Command(
    name,
    {
      connection: host.connection,
      create: launch,
      update: launch + comments,
      stdin: secret ? pulumi.secret(plan) : plan,
      addPreviousOutputInEnv: false,
      logging: remote.Logging.None,
    },
    {
      ...{ ...opts, deletedWith: host, ignoreChanges: ignored(drift), customTimeouts },
      // Whoever has the plan on the host can say it back.
      additionalSecretOutputs: secret ? ["stdout", "stderr"] : [],
    },
  );
  host.plans.push({
    name: phase.name,
    phase: pulumi.output<Phase>(settled ?? phase),
    // What Pulumi left as it was (--target, --exclude) has the note of an earlier run, and no output at all where it was never made.
    repaired: pulumi
      .all([command.update, command.stdout])
      .apply(([text = ""]) => text.includes(`in run ${run}`)),
  });
  if (pulumi.runtime.isDryRun() && drift !== undefined && drift.length > 0) {
    void pulumi.log.info(drift.map(describe).join("\n"), command);
  }
  return command.stdout;
}

/**
 * Longer than any host that is well needs, also for gigabytes over a slow line. The command plugin 1.2.1 ends by it the tries to reach a
 * host, and neither a command that runs nor a login that hangs: SECURITY.md says what to do then.
 */
const customTimeouts: pulumi.CustomTimeouts = { create: "24h", update: "24h" };

/** This run of the program; no other run has the same. Eight hexadecimal digits. */
const run = randomBytes(4).toString("hex");

/** A host that was never touched has every fact against it: that is one line, or it would stay in the state for good. */
function note({ steps }: Phase, drift: readonly Difference[], probe: Probe): readonly string[] {
  if (drift.length === 0) return [];
  const bare = probe.kind === "reached" && probe.report.mark?.journalLines === 0;
  return [
    seen(probe, run),
    ...(bare ? [`${drift.length} of ${steps.length} facts do not hold yet`] : drift.map(describe)),
  ];
}

/**
 * While the host is what the site asks for, nothing is a reason to go there: not a new library, not the note of a
 * drift that has been repaired. When nobody could look, the old note stays.
 */
function ignored(drift: readonly unknown[] | undefined): string[] {
  if (drift === undefined) return ["update"];
  return drift.length === 0 ? ["create", "update", "stdin"] : [];
}
