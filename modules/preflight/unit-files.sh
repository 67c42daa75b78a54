# Files that would change the units of the engine once those exist. modules/engine and modules/daemon check the same for existing units;
# this check reports them before any unit is created.
# shellcheck disable=SC2154 # systemd.sh sets unit_foreign

# Fact: no file that Sealift did not write changes the units of the engine, and systemd sets no variables for services that would affect the
# engine (systemd-system.conf(5), DefaultEnvironment=; systemctl(1), set-environment).
check_no_foreign_unit_files() {
  unit_files=
  for unit_files_one in containerd.service docker.service docker.socket; do
    if unit_unmanaged "$unit_files_one" "/etc/systemd/system/$unit_files_one.d/sealift.conf"; then
      unit_files="$unit_files, $unit_files_one is made or changed by$unit_foreign"
    fi
  done
  # Values may be secrets, such as the password of a proxy.
  unit_files_names=
  while IFS= read -r unit_files_one; do
    unit_files_one=${unit_files_one%%=*}
    if process_given "$unit_files_one"; then continue; fi
    case $unit_files_one in
      *[!A-Za-z0-9_]*) unit_files_names="$unit_files_names another" ;;
      *) unit_files_names="$unit_files_names $unit_files_one" ;;
    esac
  done <<END
$(timeout 20 systemctl show-environment 2>/dev/null || true)
END
  if [ -n "$unit_files_names" ]; then unit_files="$unit_files, systemd sets these variables for every service:$unit_files_names"; fi
  if [ -n "$unit_files" ]; then
    echo "${unit_files#, }"
    return 1
  fi
}
