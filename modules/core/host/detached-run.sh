# An apply runs in a transient systemd unit. If the connection breaks or the operator's machine fails, the unit neither stops halfway nor
# runs twice: a second request with the same plan attaches to the running unit.

DETACHED_RUNS=/run/sealift/apply
# Maximum duration of a run in seconds. A run that hangs releases the host then.
DETACHED_MAX_SEC=86400

# run_detached LIBRARY FROM: runs the plan on standard input as root in a unit, prints its report and exits with its result. FROM is the
# SSH_CONNECTION of the requester.
run_detached() {
  set -u
  detached_plan=$(cat)
  plan_is_whole "$detached_plan"
  detached_id=$(printf '%s\n' "$1" "$detached_plan" | sha256sum | cut -c 1-16)
  detached_folder=$DETACHED_RUNS/$detached_id
  # Root only, in memory: a plan may contain a secret.
  install -d -m 0700 "$DETACHED_RUNS" "$detached_folder"
  if systemctl is-active --quiet "sealift-$detached_id.service"; then
    detached_waited=0
    while systemctl is-active --quiet "sealift-$detached_id.service" && [ "$detached_waited" -lt "$DETACHED_MAX_SEC" ]; do
      sleep 1
      detached_waited=$((detached_waited + 1))
    done
  else
    rm -f "$detached_folder/result" "$detached_folder/report"
    (
      umask 077
      printf '%s\n' "$detached_plan" >"$detached_folder/plan"
    )
    # The result file says more than the exit code of systemd-run, which says nothing if the unit was killed.
    systemd-run --quiet --wait --collect --unit "sealift-$detached_id" --description "Sealift run on this host" \
      --property "RuntimeMaxSec=$DETACHED_MAX_SEC" --working-directory "$PWD" --setenv "SUDO_USER=${SUDO_USER:-root}" --setenv "SEALIFT_FROM=$2" sh "$1" work "$detached_folder" </dev/null || true
  fi
  if [ ! -f "$detached_folder/result" ]; then
    detached_report 70
    rm -f "$detached_folder/plan"
    echo "E_RUN_LOST the run on the host ended without a result; fix: run pulumi up again to continue where this run stopped"
    exit 70
  fi
  detached_result=$(cat "$detached_folder/result")
  detached_report "$detached_result"
  exit "$detached_result"
}

# detached_report RESULT: prints the report of the run. The longest report of a healthy host has about 200 KB, all of which Pulumi stores.
# Of a failed run Pulumi stores nothing but shows everything, so only changes and the failure are printed.
detached_report() {
  head -c 1048576 "$detached_folder/report" 2>/dev/null | if [ "$1" = 0 ]; then cat; else grep -Ev "^(ok|failed|value)$(printf '\t')"; fi || true
}

# work FOLDER: runs in the unit.
work() {
  exec >"$1/report" 2>&1
  # Not inside a condition, where the shell ignores `set -e`.
  (run apply <"$1/plan")
  work_status=$?
  rm "$1/plan"
  echo "$work_status" >"$1/result.new"
  mv "$1/result.new" "$1/result"
}
