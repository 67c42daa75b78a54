#!/bin/sh
# Starts PostgreSQL as the official image does: a first start makes the cluster, with the user, the password and the database of
# the variables POSTGRES_USER, POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE, and POSTGRES_DB.
set -eu

# What has been made when this stops halfway is left aside: a cluster gets its place when it is complete.
make_cluster() {
  user=${POSTGRES_USER:-postgres}
  database=${POSTGRES_DB:-$user}
  file=${POSTGRES_PASSWORD_FILE:-}
  if [ -z "$file" ]; then
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
      echo 'found: no password; expected: POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE' >&2
      exit 1
    fi
    file=/tmp/password
    (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" >"$file")
  fi
  rm -rf "$PGDATA.part"
  initdb --pgdata="$PGDATA.part" --username="$user" --pwfile="$file" --auth-local=trust --auth-host=scram-sha-256 \
    --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8
  echo 'host all all all scram-sha-256' >>"$PGDATA.part/pg_hba.conf"
  if [ "$database" != postgres ]; then
    printf 'CREATE DATABASE "%s" OWNER "%s"\n' "$database" "$user" |
      postgres --single -D "$PGDATA.part" postgres >/dev/null
  fi
  rm -f /tmp/password
  sync
  mv "$PGDATA.part" "$PGDATA"
}

if [ "${1:-}" = postgres ]; then
  [ -s "$PGDATA/PG_VERSION" ] || make_cluster
  shift
  exec postgres -c listen_addresses='*' "$@"
fi
exec "$@"
