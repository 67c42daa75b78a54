/** How a database is dumped to standard output, inside its container. Pure. */
import type { DatabaseEngine, DumpSpec } from "../core/site/site-spec.ts";

export interface DumpCommand {
  /** The program and its arguments: no password is among them. */
  readonly command: readonly string[];
  /** What a complete dump has near its end; absent: its exit status has to do. */
  readonly ends?: string;
}

export function dumpCommand(dump: DumpSpec): DumpCommand {
  if ("command" in dump) return { command: dump.command };
  const { engine, user, password } = dump;
  const { variable, script, ends } = engines[engine];
  // The arguments of sh: what a site writes is never part of the script.
  const read =
    password === undefined ? "" : `${variable}=$(cat "/run/secrets/$1") || exit 1; export ${variable}; `;
  return {
    command: ["sh", "-c", `${read}${script}`, user ?? "", ...(password === undefined ? [] : [password])],
    ...(ends === undefined ? {} : { ends }),
  };
}

interface EngineDump {
  /** From which its client takes the password. */
  readonly variable: string;
  /** `$0`: the account, or empty for the one of the image. */
  readonly script: string;
  readonly ends?: string;
}

const engines: Readonly<Record<DatabaseEngine, EngineDump>> = {
  postgresql: {
    variable: "PGPASSWORD",
    script: 'exec pg_dumpall --no-password --username="${0:-${POSTGRES_USER:-postgres}}"',
    ends: "PostgreSQL database cluster dump complete",
  },
  mariadb: mysqlDump("mariadb-dump"),
  mysql: mysqlDump("mysqldump"),
  redis: {
    variable: "REDISCLI_AUTH",
    // Standard output would get the end mark of a replication stream as well.
    script: [
      'file=${TMPDIR:-/tmp}/sealift-backup.rdb; trap \'rm -f "$file"\' EXIT; rm -f "$file"',
      'redis-cli ${0:+--user} ${0:+"$0"} --rdb "$file" >&2 && cat "$file"',
    ].join("; "),
  },
};

function mysqlDump(program: string): EngineDump {
  const all = "--single-transaction --routines --events --all-databases";
  return {
    variable: "MYSQL_PWD",
    script: `exec ${program} --user="\${0:-root}" ${all}`,
    ends: "-- Dump completed",
  };
}
