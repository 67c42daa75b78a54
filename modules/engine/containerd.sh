# The containerd that the engine stands on.

CONTAINERD_SOCKET=/run/containerd/containerd.sock

# Fact: containerd runs from the current version, now and after a boot, and it is the one that its socket leads to.
check_containerd() {
  containerd_state=$(systemctl show -p MainPID -p ActiveState -p UnitFileState containerd.service)
  containerd_pid=${containerd_state#*MainPID=}
  containerd_pid=${containerd_pid%%"$SEALIFT_LINE_END"*}
  case $SEALIFT_LINE_END$containerd_state$SEALIFT_LINE_END in
    *"${SEALIFT_LINE_END}ActiveState=active$SEALIFT_LINE_END"*) ;;
    *)
      containerd_word=${containerd_state#*ActiveState=}
      echo "containerd.service is ${containerd_word%%"$SEALIFT_LINE_END"*}"
      return 1
      ;;
  esac
  case $SEALIFT_LINE_END$containerd_state$SEALIFT_LINE_END in
    *"${SEALIFT_LINE_END}UnitFileState=enabled$SEALIFT_LINE_END"*) ;;
    *)
      containerd_word=${containerd_state#*UnitFileState=}
      echo "containerd.service is ${containerd_word%%"$SEALIFT_LINE_END"*}, so that it would not start at a boot"
      return 1
      ;;
  esac
  containerd_runs=$(readlink "/proc/$containerd_pid/exe" || true)
  containerd_wanted=$(readlink -f "$ENGINES/current/bin/containerd" || true)
  if [ "$containerd_runs" != "$containerd_wanted" ]; then
    echo "it runs ${containerd_runs:-no program}"
    return 1
  fi
  containerd_listens "$containerd_pid"
}

# containerd_listens PID: whether the socket is there, and this process alone is behind it. Whoever binds the path later takes
# it over in silence: /proc/net/unix then has two listeners of that name (unix(7), proc_net(5): flag 00010000).
containerd_listens() {
  if [ ! -S "$CONTAINERD_SOCKET" ]; then
    echo "$CONTAINERD_SOCKET is not there"
    return 1
  fi
  listens_inodes=
  while read -r _ _ _ listens_flags _ _ listens_inode listens_path; do
    if [ "$listens_path" = "$CONTAINERD_SOCKET" ] && [ "$listens_flags" = 00010000 ]; then listens_inodes="$listens_inodes $listens_inode"; fi
  done </proc/net/unix
  # shellcheck disable=SC2012 # the links of a process's files have no odd names
  listens_files=$(ls -l "/proc/$1/fd" 2>/dev/null || true)
  case $listens_inodes in
    "") echo "nobody listens on $CONTAINERD_SOCKET" ;;
    " "*" "*) echo "more than one process listens on $CONTAINERD_SOCKET" ;;
    *)
      case $listens_files in *"socket:[${listens_inodes# }]"*) return 0 ;; esac
      echo "another process listens on $CONTAINERD_SOCKET"
      ;;
  esac
  return 1
}
apply_containerd() {
  systemctl enable --quiet containerd.service
  systemctl reset-failed containerd.service 2>/dev/null || true
  # Containers keep running: their shims are not in the service's main process (KillMode=process).
  if ! timeout 120 systemctl restart containerd.service; then
    journalctl -u containerd.service -n 20 --no-pager -o cat
    return 1
  fi
}
