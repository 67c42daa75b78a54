# What confines containers beside namespaces and seccomp.

# Fact: where AppArmor is on, its parser is at the one place where engines look for it (containerd pkg/apparmor 2.3).
check_apparmor() {
  apparmor_on=
  { read -r apparmor_on; } 2>/dev/null <"$SEALIFT_ROOT/sys/module/apparmor/parameters/enabled" || true
  if [ "$apparmor_on" != Y ]; then
    echo "AppArmor is off"
    return 0
  fi
  if [ ! -x "$SEALIFT_ROOT/sbin/apparmor_parser" ]; then
    echo "AppArmor is on and there is no /sbin/apparmor_parser, so containers run without its profile"
    return 1
  fi
  # Ubuntu 23.10 and later. It concerns programs that make user namespaces without being root; the engine is root.
  apparmor_userns=0
  { read -r apparmor_userns; } 2>/dev/null <"$SEALIFT_ROOT/proc/sys/kernel/apparmor_restrict_unprivileged_userns" || true
  if [ "$apparmor_userns" = 1 ]; then
    echo "AppArmor is on; user namespaces are for root only"
  else
    echo "AppArmor is on"
  fi
}

# Fact: SELinux does not enforce. Sealift labels nothing.
check_selinux() {
  selinux_enforce=0
  { read -r selinux_enforce; } 2>/dev/null <"$SEALIFT_ROOT/sys/fs/selinux/enforce" || true
  if [ "$selinux_enforce" = 1 ]; then
    echo "SELinux enforces"
    return 1
  fi
}
