# Checks installed programs byte for byte without reading 200 MB at every probe. A file whose inode, size, mtime and ctime are those of its
# last full hash is not read again for up to a day; nobody can set a ctime back (inode(7)). The notes are in /run, so everything is read
# once after a boot. SEALIFT_DEEP=1 reads everything now.

SEALIFT_HASHES=/run/sealift/hashes
HASH_KEEP_SEC=86400

# hash_inspect FILE...: reads the state of these files and the notes; call it once before known_hash. Absent files are left out.
hash_inspect() {
  hash_stats=$SEALIFT_LINE_END$(stat -c '%n %i %s %y %z %U:%G %a %F' "$@" 2>/dev/null || true)$SEALIFT_LINE_END
  hash_notes=$SEALIFT_LINE_END
  if [ -f "$SEALIFT_HASHES" ]; then
    while IFS= read -r hash_line; do
      hash_notes=$hash_notes$hash_line$SEALIFT_LINE_END
    done <"$SEALIFT_HASHES"
  fi
  # Seconds since boot: the host's clock may be changed.
  read -r hash_now hash_line </proc/uptime
  hash_now=${hash_now%%.*}
}

# known_program FILE SHA256: whether the file has this hash, is owned by root and has mode 0755. Sets hash_wrong to absent, altered, or its
# owner and mode. Keeps or drops the note.
known_program() {
  hash_pick "$hash_stats" "$1"
  hash_stat=$hash_picked
  if [ -z "$hash_stat" ]; then
    hash_wrong=absent
    return 1
  fi
  case $hash_stat in
    *" root:root 755 regular file") ;;
    *)
      # Inode, bytes, and two times of three words each come first.
      hash_wrong=${hash_stat#* * * * * * * * }
      hash_wrong=${hash_wrong% regular file}
      hash_wrong="of ${hash_wrong%% *} with mode ${hash_wrong#* }"
      return 1
      ;;
  esac
  hash_wrong=altered
  known_hash "$1" "$2"
}

# known_hash FILE SHA256: whether the file has this hash.
known_hash() {
  hash_pick "$hash_stats" "$1"
  hash_stat=$hash_picked
  hash_pick "$hash_notes" "$1"
  if [ -z "${SEALIFT_DEEP-}" ] && [ "${hash_picked%% *}" = "$2" ]; then
    hash_picked=${hash_picked#* }
    if [ "${hash_picked#* }" = "$hash_stat" ] && [ $((hash_now - ${hash_picked%% *})) -lt "$HASH_KEEP_SEC" ]; then return 0; fi
  fi
  hash_found=$(sha256sum "$1")
  if [ "${hash_found%% *}" != "$2" ]; then
    hash_note "$1" ""
    return 1
  fi
  hash_note "$1" "$2 $hash_now $hash_stat"
}

# remember_hash FILE SHA256: notes the hash of a file that was just installed from verified bytes.
remember_hash() {
  hash_inspect "$1"
  hash_pick "$hash_stats" "$1"
  hash_note "$1" "$2 $hash_now $hash_picked"
}

# hash_pick LINES FILE: sets hash_picked to the rest of the line of this file; empty if there is none.
hash_pick() {
  hash_picked=${1#*"$SEALIFT_LINE_END$2 "}
  if [ "$hash_picked" = "$1" ]; then
    hash_picked=
    return
  fi
  hash_picked=${hash_picked%%"$SEALIFT_LINE_END"*}
}

# hash_note FILE NOTE: replaces the note of the file; an empty NOTE only drops it.
hash_note() {
  if [ ! -d "${SEALIFT_HASHES%/*}" ]; then mkdir -p "${SEALIFT_HASHES%/*}"; fi
  hash_pick "$hash_notes" "$1"
  if [ -n "$hash_picked" ]; then
    hash_notes=${hash_notes%%"$SEALIFT_LINE_END$1 "*}$SEALIFT_LINE_END${hash_notes#*"$SEALIFT_LINE_END$1 $hash_picked$SEALIFT_LINE_END"}
  fi
  if [ -n "$2" ]; then hash_notes=$hash_notes"$1 $2"$SEALIFT_LINE_END; fi
  printf '%s' "${hash_notes#"$SEALIFT_LINE_END"}" >"$SEALIFT_HASHES.$$"
  mv "$SEALIFT_HASHES.$$" "$SEALIFT_HASHES"
}

# Fact: always holds. The value is the sha256 of these files, as this host computed it: PATH SHA256, separated by blanks; absent files are
# left out.
# $@ paths
check_installed() { :; }
value_installed() {
  hash_inspect "$@"
  installed_found=
  for installed_path; do
    if [ ! -f "$installed_path" ]; then continue; fi
    hash_pick "$hash_stats" "$installed_path"
    installed_stat=$hash_picked
    hash_pick "$hash_notes" "$installed_path"
    installed_hash=${hash_picked%% *}
    hash_picked=${hash_picked#* }
    if [ -n "${SEALIFT_DEEP-}" ] || [ "${hash_picked#* }" != "$installed_stat" ] || [ $((hash_now - ${hash_picked%% *})) -ge "$HASH_KEEP_SEC" ]; then
      installed_hash=$(sha256sum "$installed_path")
      installed_hash=${installed_hash%% *}
    fi
    installed_found="$installed_found $installed_path $installed_hash"
  done
  echo "${installed_found# }"
}
apply_installed() {
  echo "installed files are only reported, never changed"
  return 1
}
