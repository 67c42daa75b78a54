/** One phase on one host, as a component: one Command below the host, after everything that it depends on. */
import * as pulumi from "@pulumi/pulumi";
import { converge, type ActingHost, type Host } from "./converge.ts";
import type { Phase } from "../host/step.ts";

/** Destroying it leaves the host as it is: no phase removes what it created. */
export class PhaseResource extends pulumi.ComponentResource {
  /** The host's report, one `status TAB code TAB fact TAB found` line per step. */
  readonly report: pulumi.Output<string>;
  readonly host: Host;

  /**
   * @param type token `sealift:<module>:<Class>`.
   * @param after its dependencies; empty: only the library.
   * @param resolved the same phase with everything that another host has to report first; absent: `phase` is complete.
   * @param acting the host that makes it true in place of `host`.
   */
  constructor(
    type: string,
    host: Host,
    phase: Phase,
    after: readonly pulumi.Resource[],
    resolved?: pulumi.Output<Phase>,
    acting?: ActingHost,
  ) {
    const name = `${host.args.spec.name}-${phase.name}`;
    super(type, name, {}, { parent: host });
    this.host = host;
    // The dependencies of a phase have waited for the library.
    const dependsOn = [
      ...(after.length > 0 ? after : [host.library]),
      ...(acting === undefined ? [] : [acting.host.library]),
    ];
    this.report = converge(`${name}-run`, host, phase, { parent: this, dependsOn }, resolved, acting);
    // The Command already has the report; the state need not contain it twice.
    this.registerOutputs();
  }
}
