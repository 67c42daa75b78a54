/** From plans to Pulumi resources. The only file that creates a remote.Command. */
import { randomBytes } from "node:crypto";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { endpoint } from "../endpoint.ts";
import { connectionOf, type Connection } from "../host/connection.ts";
import { deliveryCode, deliveryPhase, neededDeliveries, type Delivery } from "../host/delivery.ts";
import { describeDifference, differences, revisionText, type Difference } from "../host/drift.ts";
import { formatProblem, type Problem } from "../errors.ts";
import { applyCommand, applyInput } from "../host/host-command.ts";
import { libraryPath, writeLibrary, type Library } from "../host/library.ts";
import type { Probe } from "../host/probe.ts";
import { type Sending, sendingOfRun } from "./sending.ts";
import type { HostSpec } from "../site/site-spec.ts";
import { type BundleAge, planText, type Phase, type Step } from "../host/step.ts";

export interface HostArgs {
  readonly spec: HostSpec;
  readonly library: Library;
  /** Files that must be on the host before the first phase. */
  readonly blobs: readonly Delivery[];
  /** Blobs of other versions that the host keeps. Default none. */
  readonly retainedBlobs?: readonly Delivery[];
  readonly probe: Probe;
  /**
   * Whether every fact of every phase holds, so that no command of this run needs the library: another version of it is no reason to go
   * to the host. @default false
   */
  readonly inSync?: boolean;
  /** Warnings about a host that may be changed; one line each. */
  readonly warnings?: readonly Problem[];
  /** For the journal on the host. */
  readonly bundle: BundleAge;
  /** The directory of the site's receipts: an output, for policies. Default: none. */
  readonly receipt?: string;
  /** Folder from which blobs are sent. Default: the copies of this run. */
  readonly sending?: Sending;
  /** Outputs of other resources that address, port or host key came from. What this run does not know of them, the connection does not know. */
  readonly outputs?: pulumi.Output<unknown>;
}

/**
 * The root of all resources of one host: the files that are delivered before its phases.
 * `pulumi destroy` leaves the host as it is.
 */
export class Host extends pulumi.ComponentResource {
  readonly args: HostArgs;
  readonly connection: pulumi.Input<Connection>;
  /** The library that every phase runs. */
  readonly library: pulumi.Resource;
  /** Blobs that only some phases need: those wait for it, and the others run during the transfer. */
  readonly blobs: readonly pulumi.Resource[];
  /** The plans of its phases, in the order in which they were created. */
  readonly plans: Plan[] = [];

  constructor(name: string, args: HostArgs, opts?: pulumi.ComponentResourceOptions) {
    // The names of all children begin with the host's, so that Pulumi finds them by the same alias.
    const { formerName } = args.spec;
    const former = formerName === undefined ? [] : [{ name: formerName }];
    super("sealift:core:Host", name, {}, { ...opts, aliases: [...former, ...(opts?.aliases ?? [])] });
    const { spec, library, blobs, retainedBlobs = [], probe, warnings = [], outputs, receipt } = args;
    this.args = args;
    this.connection = outputs === undefined ? connectionOf(spec) : outputs.apply(() => connectionOf(spec));
    const problems = probe.kind === "reached" ? warnings : [probe.problem];
    for (const problem of problems)
      if (probe.kind === "pending") void pulumi.log.info(formatProblem(problem), this);
      else void pulumi.log.warn(formatProblem(problem), this);
    const lost = differences(deliveryPhase(library, blobs), probe) ?? [];
    const { sha256 } = library;
    const text = { what: "library", sha256, uploadPath: libraryPath(sha256) };
    this.library = this.deliver(lost, text, () => Promise.resolve(writeLibrary(library)), []);
    // One after the other: both create ~/.sealift.
    this.blobs = blobs.map((blob) => this.deliver(lost, blob, this.pathOf(blob), [this.library]));
    for (const retained of retainedBlobs) this.deliver([], retained, this.pathOf(retained), [this.library]);
    // An input would be a change of every host whose state is older; another output is none.
    this.registerOutputs(receipt === undefined ? {} : { receipt });
  }

  /** Further blobs, to a place that a phase has to create first. No other host gets them. */
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
    return (missing) => this.sending.path(blob, missing);
  }

  private deliver(
    missing: readonly Difference[],
    { what, sha256, uploadPath }: Pick<Delivery, "what" | "sha256" | "uploadPath">,
    pathOf: PathOf,
    dependsOn: pulumi.Resource[],
  ): remote.CopyToRemote {
    const { spec, probe, outputs, inSync = false } = this.args;
    const at = endpoint(spec.address, spec.port);
    const lost = missing.find(({ step }) => step.code === deliveryCode(what));
    // A phase that is missing in the state is sent although all facts hold: after that failed once, the library is needed.
    const unneeded =
      what === "library" && inSync && neededDeliveries(lost === undefined ? [] : [lost], inSync).length === 0;
    return new remote.CopyToRemote(
      `${spec.name}-${what}`,
      {
        connection: this.connection,
        source: pathOf(lost !== undefined).then((path) => fileOf(path, sha256)),
        remotePath: uploadPath,
        // Another machine behind the same name, or a lost file, is a reason to copy; nothing else is.
        triggers: [
          outputs === undefined ? at : outputs.apply(() => at),
          lost === undefined ? "there" : `${lost.found}, ${revisionText(probe, run)}`,
        ],
      },
      {
        ...{ parent: this, deletedWith: this, dependsOn, customTimeouts },
        ignoreChanges: [
          ...(lost === undefined || unneeded ? ["triggers"] : []),
          ...(unneeded ? ["remotePath", "source"] : []),
        ],
      },
    );
  }
}

/** @param lacks whether the host lacks the blob. */
type PathOf = (missing: boolean) => Promise<string>;

/**
 * An asset with a known hash: the bundle has been verified, and the host verifies what arrives. Otherwise the engine would read
 * every file again for each host, in every run. Source: pulumi 3.259, sdk/go/common/resource/plugin/rpc.go
 * (`ComputeAssetHashes`).
 */
function fileOf(path: string, sha256: string): pulumi.asset.FileAsset {
  return Object.assign(new pulumi.asset.FileAsset(path), { hash: sha256 });
}

/** A phase as it was sent to the host. */
export interface Plan {
  /** Of the phase. */
  readonly name: string;
  /** With everything that other hosts have reported in this run. */
  readonly phase: pulumi.Output<Phase>;
  /** Whether this run has sent it because of the probe's findings; known when that is done. */
  readonly repaired: pulumi.Output<boolean>;
}

/** Another host that makes a phase true: nothing was probed there, the plan says what does not hold. */
export interface ActingHost {
  readonly host: Host;
  readonly drift: readonly Difference[];
}

/**
 * One phase on one host: its plan is sent to the library on standard input.
 *
 * @param resolved the phase with what another host reports in this run; `phase` is what was probed.
 * @param acting the host that it is sent to in place of `host`.
 * @returns what the host reported, one line per step.
 */
export function converge(
  name: string,
  host: Host,
  phase: Phase,
  opts: pulumi.CustomResourceOptions,
  resolved?: pulumi.Output<Phase>,
  acting?: ActingHost,
): pulumi.Output<string> {
  const { spec, library, probe, bundle } = (acting?.host ?? host).args;
  const drift = acting === undefined ? differences(phase, probe) : acting.drift;
  const create = applyCommand(spec.name, phase.name);
  const why =
    drift === undefined || drift.length === 0
      ? undefined
      : `${drift.length} of ${phase.steps.length} facts do not hold, in run ${run}`;
  const inputOf = (one: Phase): string => applyInput(library.sha256, planText(spec.name, one, bundle));
  const input = resolved === undefined ? inputOf(phase) : resolved.apply(inputOf);
  const secret = phase.steps.some((step) => step.secret === true);
  const command = new remote.Command(
    name,
    {
      connection: (acting?.host ?? host).connection,
      create,
      update: why === undefined ? create : applyCommand(spec.name, phase.name, why),
      stdin: secret ? pulumi.secret(input) : input,
      addPreviousOutputInEnv: false,
      logging: remote.Logging.None,
    },
    {
      ...{ ...opts, deletedWith: host, customTimeouts },
      // Another host may act by now, which is no reason to go to it.
      ignoreChanges: [...ignored(drift), ...(acting?.drift.length === 0 ? ["connection"] : [])],
      // A user who can read the plan on the host could print it.
      additionalSecretOutputs: secret ? ["stdout", "stderr"] : [],
    },
  );
  if (acting === undefined)
    host.plans.push({
      name: phase.name,
      phase: pulumi.output<Phase>(resolved ?? phase),
      // A phase that Pulumi skipped (--target, --exclude) has the note of an earlier run, and no output at all if it was never
      // created.
      repaired: pulumi
        .all([command.update, command.stdout])
        .apply(([text = ""]) => text.includes(`in run ${run}`)),
    });
  const reported = probe.kind === "pending" ? phase.steps.map(unprobed) : (drift ?? []);
  if (pulumi.runtime.isDryRun() && reported.length > 0) {
    void pulumi.log.info(reported.map(describeDifference).join("\n"), command);
  }
  return command.stdout;
}

/** A fact of a host whose machine is not there yet. */
function unprobed(step: Step): Difference {
  return { step, found: "not probed", effect: step.effect };
}

/**
 * Longer than any healthy host needs, even for gigabytes over a slow connection. The command plugin 1.2.1 applies it to the
 * connection attempts, but neither to a running command nor to a hanging login: SECURITY.md describes what to do then.
 */
const customTimeouts: pulumi.CustomTimeouts = { create: "24h", update: "24h" };

/** Identifies this run of the program. Eight random hexadecimal digits. */
const run = randomBytes(4).toString("hex");

/**
 * While the host matches the site, nothing is a reason to run the phase: neither a new library nor the note of a repaired drift.
 * When the host was not probed, the old note stays.
 */
function ignored(drift: readonly unknown[] | undefined): string[] {
  if (drift === undefined) return ["update"];
  return drift.length === 0 ? ["create", "update", "stdin"] : [];
}
