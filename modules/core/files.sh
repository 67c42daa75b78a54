# Files that Sealift has written: a fact about one covers its content, owner, group, mode and kind. One stat(1) for all files of a
# fact; the shell itself reads the content, because a process costs forty times as much.
# shellcheck disable=SC2034 # whoever asks reads file_… and path_wrong

# What file_look has seen: FILE OWNER:GROUP MODE BYTES KIND, one a line.
file_seen=$SEALIFT_LINE_END
# What nearly every file of ours is.
FILE_OURS="root:root 644"

# file_look FILE...: looks at these, before file_is and file_owned; absent ones are left out. A link is not followed.
file_look() {
  file_seen=$SEALIFT_LINE_END$(stat -c '%n %U:%G %a %s %F' "$@" 2>/dev/null || true)$SEALIFT_LINE_END
}

# file_is FILE TEXT [OWNER:GROUP MODE]: whether FILE is a regular file with exactly the lines of TEXT, of root and for all to read
# when nothing else is said. Sets file_wrong to what is otherwise.
file_is() {
  if ! file_owned "$1" "${3-$FILE_OURS}"; then return 1; fi
  # A byte more or less is seen before a file of any size is read; what the shell does not read, such as a zero byte, is counted.
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

# file_owned FILE OWNER:GROUP MODE [KIND]: the same without its content; KIND is a word of stat's %F, regular when there is none.
# OWNER:GROUP and MODE are one argument. Sets file_bytes.
file_owned() {
  case $file_seen in
    *"$SEALIFT_LINE_END$1 "*) ;;
    *) file_look "$1" ;;
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
    file_wrong="$1 is of $file_owner with mode $file_mode in place of $2"
    return 1
  fi
}

# file_put FILE TEXT [OWNER:GROUP MODE]: puts the lines of TEXT there, whole or not at all, whatever was there before but a folder.
file_put() {
  put_what=${3-$FILE_OURS}
  rm -f "$1.new"
  (umask 077 && printf '%s\n' "$2" >"$1.new")
  chown "${put_what% *}" "$1.new"
  chmod "${put_what#* }" "$1.new"
  put_in_place "$1"
}

# put_in_place FILE: FILE.new becomes FILE: the bytes are on the disk before the name is, and the name before whoever asks goes on.
put_in_place() {
  sync "$1.new"
  mv -T "$1.new" "$1"
  sync "${1%/*}"
}

# folder_others FOLDER NAME...: whether the folder has anything beside these names, hidden or not, links that lead nowhere too. Sets
# others_found to the paths, a blank before each.
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

# path_is_safe PATH: whether nobody but root can put something else into its place or into it: every folder from / on that is there is
# root's, and others may not write into it. Into one above they may, where they cannot rename what is not theirs (inode(7), sticky bit) and
# what comes next is there, a folder of root's and no link. A link in a folder of root's alone is followed. Sets path_wrong.
path_is_safe() {
  path_links=8
  path_walk "$1"
}

# guard_programs CODE FOLDER: refuses a folder of ours that root is to run programs from where somebody else can put another one into its
# place. What is wrong with the folder itself, apply mends.
guard_programs() {
  if path_is_safe "$2" || path_is_safe "${2%/*}"; then return 0; fi
  refuse_because "$1" "root is to run programs from $2, and $path_wrong" "see who may write there and why, then give it to root alone: chown root:root, chmod 0755"
}

# path_walk PATH: the same, with path_links links at most.
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
      directory,root,[1357]???,*) path_open="$path_one may be written by others (mode $path_mode)" ;;
      directory,root,*) path_wrong="$path_one may be written by others (mode $path_mode)" ;;
      directory,*) path_wrong="$path_one is of $path_owner" ;;
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
  # Whoever may write into the last one that is there chooses what comes next.
  if [ -z "$path_wrong" ]; then path_wrong=$path_open; fi
  [ -z "$path_wrong" ]
}
