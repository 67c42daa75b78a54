# The library's last words: as a file it works through the plan on its standard input; a probe, which sends it as text
# without arguments, says by itself what is to be done.
if [ $# -gt 0 ]; then run "$@"; fi
