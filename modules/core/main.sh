# The library's last words: as a file it applies the plan on its standard input, or does the work of the unit that this
# starts; a probe, which sends it as text without arguments, says by itself what is to be done.
case ${1-} in
  apply) run_apart "$0" "${2-}" ;;
  work) work "$2" ;;
esac
