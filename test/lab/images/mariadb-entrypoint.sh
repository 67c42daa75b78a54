#!/bin/sh
# Starts MariaDB as the official image does: a first start makes the data directory, with the password of root and the user and the
# database of the variables MARIADB_ROOT_PASSWORD, MARIADB_DATABASE, MARIADB_USER and MARIADB_PASSWORD; the passwords also as _FILE.
set -eu

# The password $2, or what the file $1 holds, as a string of SQL.
quoted_password() {
  if [ -n "$1" ]; then cat "$1"; else printf '%s\n' "$2"; fi | sed "s/[\\\\']/\\\\&/g; s/^/'/; s/\$/'/"
}

# The users as SQL: the tables of rights are there by then, but not read yet. Those of root that have no password go, and the user
# whom the server runs as may come in by the socket, for healthchecks.
users_sql() {
  echo "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost';"
  echo "DELETE FROM mysql.proxies_priv WHERE User = 'root' AND Host <> 'localhost';"
  echo 'FLUSH PRIVILEGES;'
  echo 'CREATE USER mysql@localhost IDENTIFIED VIA unix_socket;'
  root=$(quoted_password "${MARIADB_ROOT_PASSWORD_FILE:-}" "${MARIADB_ROOT_PASSWORD:-}")
  echo "ALTER USER root@localhost IDENTIFIED BY $root;"
  echo "CREATE USER root@'%' IDENTIFIED BY $root;"
  echo "GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;"
  [ -z "${MARIADB_DATABASE:-}" ] || echo "CREATE DATABASE \`$MARIADB_DATABASE\`;"
  if [ -n "${MARIADB_USER:-}" ]; then
    password=$(quoted_password "${MARIADB_PASSWORD_FILE:-}" "${MARIADB_PASSWORD:-}")
    echo "CREATE USER \`$MARIADB_USER\`@'%' IDENTIFIED BY $password;"
    [ -z "${MARIADB_DATABASE:-}" ] || echo "GRANT ALL ON \`$MARIADB_DATABASE\`.* TO \`$MARIADB_USER\`@'%';"
  fi
}

# What has been made when this stops halfway is left aside: the data directory gets its place when it is complete.
make_data() {
  if [ -z "${MARIADB_ROOT_PASSWORD:-}${MARIADB_ROOT_PASSWORD_FILE:-}" ]; then
    echo 'found: no password; expected: MARIADB_ROOT_PASSWORD or MARIADB_ROOT_PASSWORD_FILE' >&2
    exit 1
  fi
  rm -rf "$data.part"
  (umask 077 && users_sql >/tmp/users.sql)
  mariadb-install-db --no-defaults --datadir="$data.part" --auth-root-authentication-method=normal --skip-test-db \
    --skip-name-resolve --force --extra-file=/tmp/users.sql >/dev/null
  rm -f /tmp/users.sql
  sync
  mv "$data.part" "$data"
}

data=/var/lib/mysql/data
if [ "${1:-}" = mariadbd ]; then
  [ -d "$data/mysql" ] || make_data
  shift
  exec mariadbd --no-defaults --datadir="$data" --socket=/run/mysqld/mysqld.sock --bind-address=0.0.0.0 \
    --skip-name-resolve "$@"
fi
exec "$@"
