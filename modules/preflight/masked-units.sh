# Masked units: systemd would not start the engine, and Sealift's unit could not replace them.

# Fact: none of the engine's units is masked: a link to /dev/null or an empty file (systemd.unit(5), "Unit File Load Path").
check_units_unmasked() {
  masked_units=
  for masked_unit in containerd.service docker.service docker.socket; do
    if unit_masked "$SEALIFT_ROOT/etc/systemd/system/$masked_unit"; then masked_units="$masked_units $masked_unit"; fi
  done
  if [ -n "$masked_units" ]; then
    echo "masked:$masked_units"
    return 1
  fi
}

# unit_masked FILE: whether the unit file masks its unit.
unit_masked() {
  if [ -L "$1" ]; then [ "$(readlink "$1")" = /dev/null ]; else [ -f "$1" ] && [ ! -s "$1" ]; fi
}
