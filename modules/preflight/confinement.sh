# Mandatory access control for containers.

# Fact: if AppArmor is enabled, its parser is at the path where engines look for it (containerd pkg/apparmor 2.3).
check_apparmor() {
  apparmor_on=
  { read -r apparmor_on; } 2>/dev/null <"$SEALIFT_ROOT/sys/module/apparmor/parameters/enabled" || true
  if [ "$apparmor_on" != Y ]; then
    echo "AppArmor is disabled"
    return 0
  fi
  if [ ! -x "$SEALIFT_ROOT/sbin/apparmor_parser" ]; then
    echo "AppArmor is enabled but /sbin/apparmor_parser is missing, so containers run without their profile"
    return 1
  fi
  # Ubuntu 23.10 and later. It affects unprivileged programs that create user namespaces; the engine is privileged.
  apparmor_userns=0
  { read -r apparmor_userns; } 2>/dev/null <"$SEALIFT_ROOT/proc/sys/kernel/apparmor_restrict_unprivileged_userns" || true
  if [ "$apparmor_userns" = 1 ]; then
    echo "AppArmor is enabled; unprivileged user namespaces are restricted"
  else
    echo "AppArmor is enabled"
  fi
}

# Fact: SELinux is not enforcing. Sealift sets no labels.
check_selinux() {
  selinux_enforce=0
  { read -r selinux_enforce; } 2>/dev/null <"$SEALIFT_ROOT/sys/fs/selinux/enforce" || true
  if [ "$selinux_enforce" = 1 ]; then
    echo "SELinux is enforcing"
    return 1
  fi
}
