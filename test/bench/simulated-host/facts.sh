# Facts of a simulated host: lines in a file of its home. What travels to the host over ssh is looked at as on any host.
# What is set here the runner reads, and the other way round.
# shellcheck disable=SC2034,SC2154

cd || exit
SEALIFT_STATE=$HOME/state
SEALIFT_LOCK=$HOME/lock
REGISTRY_ETC=$HOME/registry-etc
facts_known=$(cat facts 2>/dev/null || true)

# attempt FUNCTION ARG...: in place of the runner's.
attempt() {
  attempt_output=
  attempt_status=0
  case $step_code in
    # What a host is by itself; some of it is asked with the time of day.
    preflight.* | gate.*) return ;;
    delivery.*)
      attempt_output=$("$@" 2>&1) || attempt_status=$?
      return
      ;;
  esac
  fact_verb=${1%%_*}
  fact_line="$step_code $*"
  fact_line="<$step_code ${fact_line#*"${fact_verb}_"}>"
  case $fact_verb in
    check)
      case $facts_known in
        *"$fact_line"*) ;;
        *)
          attempt_output=absent
          attempt_status=1
          ;;
      esac
      ;;
    apply)
      # Its clients need a real one.
      if [ "$1" = apply_registry_ca ]; then
        mkdir -p "$REGISTRY_ETC"
        ca_make ca "$2" "$3" "$4" 2>/dev/null
      fi
      echo "$fact_line" >>facts
      facts_known="$facts_known$fact_line"
      ;;
    effect | value)
      attempt_status=1
      if [ "$1" = value_registry_ca ]; then attempt_output=$("$@") && attempt_status=0; fi
      ;;
  esac
}
