# The site's own gate between two waves of hosts.

# Fact: a command of the site's says that this host is well; it is run as root, within 60 seconds.
# $1 the command, for sh -c
check_gate_command() {
  gate_code=0
  gate_said=$(timeout 60 sh -c "$1" </dev/null 2>&1) || gate_code=$?
  if [ "$gate_code" = 0 ]; then return 0; fi
  echo "exit code $gate_code of the gate: $(printf '%s' "$gate_said" | tail -n 1)"
  return 1
}
apply_gate_command() {
  echo "a gate is only ever looked at"
  return 1
}
