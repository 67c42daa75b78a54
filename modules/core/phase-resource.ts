/** What the components of all phases are: one Command below the host, after what came before it. */
import * as pulumi from "@pulumi/pulumi";
import { converge, type Host } from "./converge.ts";
import type { Phase } from "./step.ts";

export abstract class PhaseResource extends pulumi.ComponentResource {
  /** What the host reported, one `status TAB code TAB fact TAB found` line a step. */
  readonly report: pulumi.Output<string>;
  readonly host: Host;

  /**
   * @param type token `sealift:<module>:<Class>`. @param after what has to be done first; empty: that the library is there.
   * @param settled the same phase with all that another host has to report first; absent: `phase` is whole.
   */
  constructor(
    type: string,
    host: Host,
    phase: Phase,
    after: readonly pulumi.Resource[],
    settled?: pulumi.Output<Phase>,
  ) {
    const name = `${host.args.spec.name}-${phase.name}`;
    super(type, name, {}, { parent: host });
    this.host = host;
    // What comes before a phase has waited for the library.
    const dependsOn = after.length > 0 ? [...after] : [host.library];
    this.report = converge(`${name}-run`, host, phase, { parent: this, dependsOn }, settled);
    // The report is the Command's already; the state need not hold it twice.
    this.registerOutputs();
  }
}
