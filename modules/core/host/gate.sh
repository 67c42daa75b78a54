# The gate command of the site, which decides whether the next wave may start.

# Fact: the site's gate command succeeds on this host, as root, within 60 seconds.
# $1 command for sh -c
check_gate_command() {
  gate_code=0
  gate_output=$(timeout 60 sh -c "$1" </dev/null 2>&1) || gate_code=$?
  if [ "$gate_code" = 0 ]; then return 0; fi
  echo "the gate command exited with code $gate_code: $(printf '%s' "$gate_output" | tail -n 1)"
  return 1
}
apply_gate_command() {
  echo "a gate is only checked, never applied"
  return 1
}
