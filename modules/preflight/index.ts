/** What every host has to be before any host is changed: all hosts are looked at, and all findings told at once. */
import type { ErrorCode, Problem } from "../core/errors.ts";
import type { Probe } from "../core/probe.ts";
import type { HostSpec } from "../core/site.ts";
import type { Phase } from "../core/step.ts";
import { preflightSteps, supportedSystems } from "./steps.ts";

/** Pure: the checks of one host. */
export function preflightPhase(host: HostSpec): Phase {
  return { name: "preflight", steps: preflightSteps(host) };
}

/** Why a host must not be changed; nothing when it may be. An unreachable host is not told here. */
export function preflightProblems(host: HostSpec, probe: Probe): readonly Problem[] {
  if (probe.kind === "refused") return [probe.problem];
  if (probe.kind === "unreachable") return [];
  return probe.report.steps
    .filter(({ code, status }) => code.startsWith("preflight.") && status !== "ok")
    .map(({ code, fact, found }) => {
      const { error, todo } = findings[code.split(".")[1] as keyof typeof findings];
      return {
        where: host.name,
        code: error,
        subject: code,
        got: found || "otherwise",
        expected: fact,
        todo,
      };
    });
}

const findings = {
  os: { error: "E_OS", todo: `install one of ${supportedSystems.join(", ")}` },
  architecture: {
    error: "E_ARCH",
    todo: "set the host's architecture, and carry an engine for it in the bundle",
  },
  commands: {
    error: "E_HOST_TOOLS",
    todo: "install the packages that hold them (lvm2, xfsprogs, e2fsprogs, iptables, procps)",
  },
  engine: { error: "E_FOREIGN_ENGINE", todo: "move its containers away and remove it, then run again" },
  uid: { error: "E_UID_TAKEN", todo: "take a uid that is free on every host" },
} as const satisfies Record<string, { error: ErrorCode; todo: string }>;
