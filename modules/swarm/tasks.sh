# A manager that a run has drained before it stopped the engine.

# Fact: the tasks that a run has moved off this manager may return.
check_swarm_tasks() {
  if [ ! -e "$DRAIN_NOTED" ]; then return 0; fi
  echo "the node was drained before its engine was stopped, and is not active again"
  return 1
}
apply_swarm_tasks() { drain_return; }
