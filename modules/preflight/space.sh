# Free space, and permission to run programs, where files will be installed.

# Fact: what is not installed yet fits, all paths on a file system added up, and each file system has 1,000 free inodes.
# $@ MiB:PATH:DONE: how much is written to PATH unless DONE exists ("-": always); a relative path starts at the SSH user's home
check_space() {
  space_need=
  for space_item; do
    space_mib=${space_item%%:*}
    space_rest=${space_item#*:}
    space_path=${space_rest%%:*}
    space_done=${space_rest#*:}
    if [ "$space_done" != - ] && [ -e "$space_done" ]; then continue; fi
    # The nearest existing folder.
    while [ ! -d "$space_path" ]; do
      case $space_path in
        /*/*) space_path=${space_path%/*} ;;
        /*) space_path=/ ;;
        *) space_path=. ;;
      esac
    done
    space_need="$space_need$space_mib $space_path
"
  done
  if [ -z "$space_need" ]; then return 0; fi
  space_shortage "$space_need"
}

# space_shortage NEED: adds up the lines "MiB path" of NEED by file system and compares them with the free space.
space_shortage() {
  space_paths=
  while read -r space_mib space_path; do
    if [ -n "$space_mib" ]; then space_paths="$space_paths $space_path"; fi
  done <<EOF
$1
EOF
  # One process for all paths: name, file system id, block size, free blocks, all inodes, free inodes.
  # shellcheck disable=SC2086
  { printf '%s' "$1" && echo stat: && stat -f -c '%n %i %S %a %c %d' $space_paths; } | awk '
    $0 == "stat:" { listed = 1; next }
    !listed { need[NR] = $1; next }
    {
      at++; id = $2; asked[id] += need[at]; place[id] = place[id] " " $1
      free[id] = int($3 * $4 / 1048576); inodes[id] = $5; left[id] = $6
    }
    END {
      for (id in asked) {
        if (free[id] < asked[id]) text = text "," place[id] ": " free[id] " MiB free, " asked[id] " MiB needed"
        if (inodes[id] > 0 && left[id] < 1000) text = text "," place[id] ": " left[id] " inodes free"
      }
      if (text != "") { print substr(text, 3); exit 1 }
    }'
}

# Fact: programs can be written to these paths and run there.
# $@ absolute paths
check_mount_runs() {
  # The last one of the longest mount points above a path is effective.
  awk -v expected="$*" '
    BEGIN { count = split(expected, path, " ") }
    {
      folder = $2 == "/" ? "/" : $2 "/"
      for (at = 1; at <= count; at++)
        if (index(path[at] "/", folder) == 1 && length($2) >= length(point[at])) { point[at] = $2; options[at] = "," $4 "," }
    }
    END {
      for (at = 1; at <= count; at++) {
        if (options[at] ~ /,noexec,/) text = text ", " path[at] " is on " point[at] ", mounted noexec"
        if (options[at] ~ /,ro,/) text = text ", " path[at] " is on " point[at] ", mounted read-only"
      }
      if (text != "") { print substr(text, 3); exit 1 }
    }' "$SEALIFT_ROOT/proc/self/mounts"
}

# Fact: the host has this much memory.
# $1 MiB, as in /proc/meminfo: a machine with 1 GiB shows less
check_memory() {
  while read -r memory_key memory_kib _; do
    if [ "$memory_key" = MemTotal: ]; then break; fi
  done <"$SEALIFT_ROOT/proc/meminfo"
  if [ "$memory_kib" -lt $(($1 * 1024)) ]; then
    echo "$((memory_kib / 1024)) MiB"
    return 1
  fi
}
