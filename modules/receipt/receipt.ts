/** What was true of a site when a run had ended: for those outside who have to believe it. Pure. */
import { differences } from "../core/drift.ts";
import { mountsOf } from "../core/mounts.ts";
import type { Probe } from "../core/probe.ts";
import type { Step } from "../core/step.ts";
import { certificates } from "../registry/steps.ts";
import type { SurveyedHost } from "../survey.ts";

export interface Receipt {
  readonly format: 1;
  /** Name of the stack. */
  readonly site: string;
  /** ISO 8601, UTC. */
  readonly began: string;
  readonly ended: string;
  readonly bundle: {
    readonly serial: number;
    /** sha256 of the lock that it was built from. */
    readonly lockSha256: string;
    readonly signer: string;
  };
  readonly hosts: readonly HostReceipt[];
}

export interface HostReceipt {
  readonly name: string;
  /** `address:port`. */
  readonly address: string;
  /** First eight digits of machine-id(5); absent when nobody answered. */
  readonly machine?: string;
  readonly engine: string;
  readonly team?: string;
  readonly facts: readonly FactReceipt[];
  /** Codes of the facts that did not hold before the run and hold now. */
  readonly changed: readonly string[];
  /** Bytes that the lock pins for this host; whether they are what lies there, the engine's facts say. */
  readonly installed: readonly { readonly path: string; readonly sha256: string }[];
  readonly volumes: readonly VolumeReceipt[];
  /** Those that the host has made; none where no registry runs. */
  readonly certificates: readonly CertificateReceipt[];
}

export interface CertificateReceipt {
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly ends: string;
}

export interface FactReceipt {
  readonly code: string;
  readonly fact: string;
  readonly holds: boolean;
  /** What was found in its place. */
  readonly found?: string;
}

export interface VolumeReceipt {
  readonly mount: string;
  readonly bytes: number;
  readonly usedBytes: number;
}

/** The questions of a receipt beside the facts: how full the volumes are, and when certificates end. */
export function receiptSteps({ spec, phases }: SurveyedHost): readonly Step[] {
  const question = (code: string, fact: string, ...call: Step["call"]): Step => ({
    ...{ code, fact, call, effect: "none" },
  });
  return [
    ...mountsOf(spec.volumes).map(({ mount }) =>
      question(fillCode(mount), `${mount} is as full as it is`, "fill", mount),
    ),
    ...(phases.registry === undefined ? [] : certificates).map(({ name, path }) =>
      question(endsCode(path), `the ${name} ends when it ends`, "ends", path),
    ),
  ];
}

const fillCode = (mount: string): string => `receipt.fill.${mount}`;
const endsCode = (path: string): string => `receipt.ends.${path}`;

/** @param after the look when the run had ended; `host.probe` is the one before it. */
export function hostReceipt(host: SurveyedHost, after: Probe): HostReceipt {
  const { spec, files, phases, probe } = host;
  const all = Object.values(phases).filter(({ name }) => name !== "preflight" && name !== "delivery");
  const wrong = new Map(
    all.flatMap((phase) => differences(phase, after) ?? []).map(({ step, found }) => [step.code, found]),
  );
  const before = all.flatMap((phase) => differences(phase, probe) ?? []).map(({ step }) => step.code);
  const reached = after.kind === "reached";
  return {
    name: spec.name,
    address: `${spec.address}:${spec.port}`,
    ...(reached && after.report.mark !== undefined ? { machine: after.report.mark.machine } : {}),
    engine: spec.engine.version,
    ...(spec.team === undefined ? {} : { team: spec.team }),
    facts: all.flatMap(({ steps }) =>
      steps.map(({ code, fact }): FactReceipt => {
        const found = reached ? wrong.get(code) : "nobody answered";
        return found === undefined ? { code, fact, holds: true } : { code, fact, holds: false, found };
      }),
    ),
    changed: reached ? before.filter((code) => !wrong.has(code)) : [],
    installed: [
      ...files.archive.members.map(({ path, sha256 }) => ({ path, sha256 })),
      ...files.plugins.map(({ name, version, sha256 }) => ({ path: `${name} ${version}`, sha256 })),
    ],
    volumes: reached ? fillOf(host, after) : [],
    certificates: reached ? endsOf(after) : [],
  };
}

function fillOf(host: SurveyedHost, after: Reached): readonly VolumeReceipt[] {
  return mountsOf(host.spec.volumes).flatMap(({ mount }) => {
    const [, bytes, used] = /^(\d+) (\d+)$/.exec(answer(after, fillCode(mount))) ?? [];
    return bytes === undefined ? [] : [{ mount, bytes: Number(bytes), usedBytes: Number(used) }];
  });
}

function endsOf(after: Reached): readonly CertificateReceipt[] {
  return certificates.flatMap(({ name, path }) => {
    // As openssl writes it: "Nov 21 18:00:00 2027 GMT".
    const ends = new Date(answer(after, endsCode(path)));
    return Number.isNaN(ends.getTime()) ? [] : [{ name, ends: ends.toISOString() }];
  });
}

function answer({ report }: Reached, code: string): string {
  return report.steps.find((step) => step.code === code)?.found ?? "";
}

type Reached = Extract<Probe, { kind: "reached" }>;
