/** Databases whose data a new release would convert: only with a backup whose restore was rehearsed lately, because nothing leads back. Pure. */
import { databasesCode } from "../apps/databases.ts";
import { dataStatusOf } from "../backup/data-status.ts";
import type { Problem } from "../core/errors.ts";
import type { Probe } from "../core/host/probe.ts";
import type { HostSpec } from "../core/site/site-spec.ts";

interface ProbedHost {
  readonly spec: HostSpec;
  readonly probe: Probe;
}

const daySeconds = 86_400;
/** A clock may be off by so much. */
const aheadSeconds = 3600;
const rehearsedDays = 7;

/**
 * The host itself refuses what no backup makes possible, and makes a backup before it starts the release.
 *
 * @param clock in seconds since 1970.
 */
export function databaseMajorProblems(hosts: readonly ProbedHost[], clock: number): readonly Problem[] {
  const reports = new Map(
    hosts.flatMap(({ spec, probe }) => (probe.kind === "reached" ? [[spec.name, probe.report]] : [])),
  );
  return hosts.flatMap(({ spec }) =>
    spec.apps.flatMap((app): Problem[] => {
      const code = databasesCode(app.name);
      const step = reports.get(spec.name)?.steps.find((one) => one.code === code && one.status === "drift");
      if (step === undefined) return [];
      const { rehearsal } = dataStatusOf(spec, app, (name) => reports.get(name)?.values ?? {}) ?? {};
      const backup = rehearsal?.result === "good" ? rehearsal.backup : undefined;
      const days = app.update.rehearsed ?? rehearsedDays;
      const age = clock - Date.parse(backup ?? "") / 1000;
      if (age > -aheadSeconds && age < days * daySeconds) return [];
      const known =
        backup === undefined
          ? "no restore of it was rehearsed with success"
          : `the last backup whose restore was rehearsed is of ${backup}`;
      return [
        {
          ...{ where: spec.name, code: "E_DATABASE_MAJOR", subject: code },
          found: `${step.found}, and ${known}`,
          expected: `${step.fact}; or a backup younger than ${days} days whose restore was rehearsed with success, because a newer version converts the data`,
          fix:
            app.restore === undefined
              ? "add backup: and restore: to the application, and run it with the version before until a restore is rehearsed"
              : `make a backup on ${spec.name} (systemctl start sealift-backup-${app.name}), then rehearse it on ${app.restore.on} (systemctl start sealift-rehearsal-${app.name}), and run this again`,
        },
      ];
    }),
  );
}
