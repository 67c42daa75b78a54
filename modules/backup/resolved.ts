/** Phases that name the certificate of a store, once that store has reported it in the same run. */
import * as pulumi from "@pulumi/pulumi";
import { asRunError } from "../core/pulumi/as-run-error.ts";
import type { PhaseResource } from "../core/pulumi/phase-resource.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import {
  needsCertificate,
  reportedCertificateOf,
  type StoreCertificates,
  withCertificates,
} from "./certificates.ts";

export class ResolvedStores {
  readonly #known: StoreCertificates;
  readonly #reported: pulumi.Output<{ readonly host: string; readonly certificate: string | undefined }>[] =
    [];
  readonly resources: PhaseResource[] = [];

  /** @param known from the probe before the run. */
  constructor(known: StoreCertificates) {
    this.#known = known;
  }

  /** @param store what its host has made. */
  add(spec: Pick<HostSpec, "name" | "store">, store: PhaseResource): void {
    this.resources.push(store);
    this.#reported.push(
      store.report.apply(async (report) => ({
        host: spec.name,
        certificate: await asRunError(() => Promise.resolve(reportedCertificateOf(spec, report))),
      })),
    );
  }

  /** @returns undefined when the phase is complete as it is. */
  phase(phase: Phase): pulumi.Output<Phase> | undefined {
    if (!phase.steps.some((step) => needsCertificate(step) && step.call.includes("unknown")))
      return undefined;
    return pulumi.all([...this.#reported]).apply((reported) => {
      const made = reported.flatMap(({ host, certificate }) =>
        certificate === undefined ? [] : [[host, certificate] as const],
      );
      return withCertificates(phase, new Map([...this.#known, ...made]));
    });
  }
}
