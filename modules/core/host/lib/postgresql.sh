# The version of PostgreSQL that has written a folder of data.

# postgresql_majors FOLDER: as the function that postgresql_majors_lines prints.
postgresql_majors() {
  # shellcheck disable=SC2016 # for the inner shell
  sh -c "$(postgresql_majors_lines)"'
postgresql_majors "$1"' sh "$1"
}

# postgresql_majors_lines: prints the function; scripts that run without the library have it as well.
postgresql_majors_lines() {
  cat <<'END'
# postgresql_majors FOLDER: prints the major versions of PostgreSQL whose data is in it, one per line. A folder may hold those of several, each with its own name.
postgresql_majors() {
  find "$1/" -mindepth 1 -maxdepth 4 \( -name base -o -name pg_tblspc \) -prune -o -name PG_VERSION -type f -exec head -c 8 {} + 2>/dev/null |
    grep -x '[0-9][0-9.]*' || true
}
END
}
