# Files that Sealift has written: a fact about one covers content, owner, group, mode and type. One stat(1) serves all files of a fact; the
# shell itself reads the content, because a process takes forty times as long.
# shellcheck disable=SC2034 # callers read file_… and path_wrong

# Result of file_inspect: FILE OWNER:GROUP MODE BYTES TYPE, one per line.
file_seen=$SEALIFT_LINE_END
# Owner and mode of nearly every file.
FILE_OURS="root:root 644"

# file_inspect FILE...: reads the state of these files for file_is and file_owned; absent ones are left out. Links are not followed.
file_inspect() {
  file_seen=$SEALIFT_LINE_END$(stat -c '%n %U:%G %a %s %F' "$@" 2>/dev/null || true)$SEALIFT_LINE_END
}

# file_is FILE TEXT [OWNER:GROUP MODE]: whether FILE is a regular file with exactly the lines of TEXT, by default owned by root and readable
# for all. Otherwise sets file_wrong to the difference.
file_is() {
  if ! file_owned "$1" "${3-$FILE_OURS}"; then return 1; fi
  # Compare sizes first: the shell reads no file of another size, and bytes that it cannot read, such as zero bytes, change the size.
  if [ "$file_bytes" -ne $((${#2} + 1)) ]; then
    file_wrong="$1 is altered"
    return 1
  fi
  file_text=
  while IFS= read -r file_line || [ -n "$file_line" ]; do
    file_text=$file_text$file_line$SEALIFT_LINE_END
  done <"$1"
  if [ "$file_text" != "$2$SEALIFT_LINE_END" ]; then
    file_wrong="$1 is altered"
    return 1
  fi
}

# file_owned FILE OWNER:GROUP MODE [KIND]: like file_is without the content; KIND is a word of stat's %F, regular by default. OWNER:GROUP
# and MODE are one argument. Sets file_bytes.
file_owned() {
  case $file_seen in
    *"$SEALIFT_LINE_END$1 "*) ;;
    *) file_inspect "$1" ;;
  esac
  file_found=${file_seen#*"$SEALIFT_LINE_END$1 "}
  if [ "$file_found" = "$file_seen" ]; then
    file_wrong="$1 is absent"
    return 1
  fi
  file_found=${file_found%%"$SEALIFT_LINE_END"*}
  file_owner=${file_found%% *}
  file_rest=${file_found#* }
  file_mode=${file_rest%% *}
  file_rest=${file_rest#* }
  file_bytes=${file_rest%% *}
  file_kind=${file_rest#* }
  case $file_kind in
    "${3-regular}"*) ;;
    *)
      file_wrong="$1 is a $file_kind"
      return 1
      ;;
  esac
  if [ "$file_owner $file_mode" != "$2" ]; then
    file_wrong="$1 has owner and mode $file_owner $file_mode instead of $2"
    return 1
  fi
}

# file_put FILE TEXT [OWNER:GROUP MODE]: writes the lines of TEXT atomically, replacing anything but a folder.
file_put() {
  put_what=${3-$FILE_OURS}
  rm -f "$1.new"
  (umask 077 && printf '%s\n' "$2" >"$1.new")
  chown "${put_what% *}" "$1.new"
  chmod "${put_what#* }" "$1.new"
  put_in_place "$1"
}

# put_in_place FILE: renames FILE.new to FILE. Content and name are on disk when it returns.
put_in_place() {
  sync "$1.new"
  mv -T "$1.new" "$1"
  sync "${1%/*}"
}

# folder_others FOLDER NAME...: whether the folder contains anything besides these names, including hidden files and dangling links. Sets
# others_found to the paths, each after a blank.
folder_others() {
  others_folder=$1
  shift
  others_names=" $* "
  others_found=
  for others_one in "$others_folder"/* "$others_folder"/.[!.]* "$others_folder"/..?*; do
    if [ ! -e "$others_one" ] && [ ! -L "$others_one" ]; then continue; fi
    case $others_names in
      *" ${others_one##*/} "*) ;;
      *) others_found="$others_found $others_one" ;;
    esac
  done
  [ -n "$others_found" ]
}

# path_is_safe PATH: whether only root can replace PATH or change what is in it: every existing folder from / on belongs to root and is not
# writable by others. A sticky folder above PATH may be writable by others (inode(7)) if the next component exists, is a folder of root and
# no link. A link in a folder that only root can change is followed. Otherwise sets path_wrong.
path_is_safe() {
  path_links=8
  path_walk "$1"
}

# guard_programs CODE FOLDER: refuses a folder of programs that root runs if another user can replace it. Apply corrects the folder itself.
guard_programs() {
  if path_is_safe "$2" || path_is_safe "${2%/*}"; then return 0; fi
  refuse "$1" "root would run programs from $2, but $path_wrong" "find out who can write there and why, then restrict it to root: chown root:root, chmod 0755"
}

# root_script_is FILE TEXT: whether it is this script, which only root can change. Otherwise prints the finding.
root_script_is() {
  file_inspect "$1"
  if ! file_is "$1" "$2" "root:root 755"; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "${1%/*}"; then
    echo "$path_wrong"
    return 1
  fi
}

# root_script_put FILE TEXT: puts the script into a folder of root below one of root.
root_script_put() {
  install -d -o root -g root -m 0755 "${1%/*/*}" "${1%/*}"
  file_put "$1" "$2" "root:root 755"
}

# path_walk PATH: implements path_is_safe, following at most path_links links.
path_walk() {
  path_rest=$1
  path_list=
  while [ -n "$path_rest" ] && [ "$path_rest" != / ]; do
    path_list="$path_rest $path_list"
    path_rest=${path_rest%/*}
  done
  # shellcheck disable=SC2086 # paths of a site hold no blanks
  path_seen=$(stat -c '%n %U %a %F' / $path_list 2>/dev/null || true)
  path_wrong=
  path_open=
  path_next=
  while read -r path_one path_owner path_mode path_kind; do
    path_others=${path_mode#"${path_mode%??}"}
    case $path_kind,$path_owner,$path_mode,$path_others in
      "symbolic link",*)
        if [ -n "$path_open" ]; then
          path_wrong="$path_one is a symbolic link, and $path_open"
        else
          path_next=$(readlink "$path_one")
          case $path_next in /*) ;; *) path_next=${path_one%/*}/$path_next ;; esac
          path_next=$path_next${1#"$path_one"}
        fi
        break
        ;;
      directory,root,*,[0145][0145]) path_open= ;;
      directory,root,[1357]???,*) path_open="$path_one is writable by others (mode $path_mode)" ;;
      directory,root,*) path_wrong="$path_one is writable by others (mode $path_mode)" ;;
      directory,*) path_wrong="$path_one belongs to $path_owner" ;;
      *) path_wrong="$path_one is a $path_kind" ;;
    esac
    if [ -n "$path_wrong" ]; then return 1; fi
  done <<END
$path_seen
END
  if [ -n "$path_next" ]; then
    path_links=$((path_links - 1))
    case $path_links,$path_next in
      0,* | *[!A-Za-z0-9._/@+:,-]*) path_wrong="$path_one leads to $path_next" ;;
      *)
        path_walk "$path_next"
        return
        ;;
    esac
  fi
  # A user who can write into the last existing folder chooses what is created there.
  if [ -z "$path_wrong" ]; then path_wrong=$path_open; fi
  [ -z "$path_wrong" ]
}

# client_is_safe: whether the client of the engine is there and only root can change it; otherwise prints why not.
client_is_safe() {
  if [ ! -x "$SEALIFT_DOCKER" ]; then
    echo "absent: there is no engine yet"
    return 1
  fi
  if ! path_is_safe "${SEALIFT_DOCKER%/*}"; then
    echo "$path_wrong"
    return 1
  fi
}
