# One file with one line of text: the example of a new phase. Replace it.

# Fact: the file says this, and nothing else.
# $1 path, $2 text
check_template_file() {
  if [ ! -f "$1" ]; then
    echo "$1 is absent"
    return 1
  fi
  if [ "$(cat "$1")" != "$2" ]; then
    echo "$1 has other content"
    return 1
  fi
}
guard_template_file() {
  if [ -d "$1" ]; then
    refuse E_REFUSED "$1 is a directory" "remove the directory $1"
  fi
}
# Prints what the change costs here and now; only needed where that depends on the host.
effect_template_file() {
  echo none
}
apply_template_file() {
  guard_template_file "$@"
  printf '%s\n' "$2" >"$1.new"
  put_in_place "$1"
}
