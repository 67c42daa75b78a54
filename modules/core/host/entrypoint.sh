# The end of the library. Run as a file, the library applies the plan on its standard input or does the work of the unit. A probe sends the
# library as text without arguments and calls functions itself.
case ${1-} in
  apply) run_detached "$0" "${2-}" ;;
  work) work "$2" ;;
esac
