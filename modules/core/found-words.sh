# Command lines that are somebody else's: who starts a program may have given it a password, and a finding is printed, kept by Pulumi and
# signed in a receipt. What can hold none is shown, everything else is three dots.

# found_words LINE: prints what may be shown of a command line or of a rule of sudoers(5): paths, names of options, addresses to listen on,
# and the words that sudo itself has.
found_words() {
  found_rest=$1
  found_shown=
  set -f
  for found_word in $found_rest; do
    found_comma=
    case $found_word in *,) found_comma=, found_word=${found_word%,} ;; esac
    case $found_word in
      # sudoers(5): ALL, NOPASSWD:, (root : ALL).
      ALL | : | "("[A-Za-z]*")" | "("[A-Za-z]* | [A-Za-z]*")" | [A-Z]*:) found_plain "$found_word" || found_word=... ;;
      fd://* | unix://* | tcp://* | /*) found_place "$found_word" || found_word=... ;;
      --*=*) found_place "${found_word#*=}" || found_word=${found_word%%=*}=... ;;
      --* | -?) ;;
      # A value may stand behind the letter of an option.
      -*) found_word=${found_word%"${found_word#-?}"}... ;;
      *) found_word=... ;;
    esac
    # The name of an option can be anything, too.
    case $found_word in --*) found_plain "${found_word%%=*}" || found_word=... ;; esac
    case $found_shown in *" ...") if [ "$found_word$found_comma" = ... ]; then continue; fi ;; esac
    found_shown="$found_shown $found_word$found_comma"
  done
  set +f
  echo "${found_shown# }"
}

# found_place WORD: whether it is an address to listen on or a path of a host; a token may begin with a slash, too.
found_place() {
  case $1 in
    fd://* | unix://* | tcp://*) ;;
    /bin/* | /data/* | /dev/* | /docker/* | /etc/* | /home/* | /lib*/* | /mnt/* | /opt/* | /run/* | /sbin/* | /srv/* | /tmp/* | /usr/* | /var/*) ;;
    *) return 1 ;;
  esac
  found_plain "$1"
}

# found_plain WORD: whether it is short and of letters that paths, addresses and names of options are made of.
found_plain() {
  if [ "${#1}" -gt 200 ]; then return 1; fi
  case $1 in
    *[!A-Za-z0-9/._:=\(\)\[\]-]*) return 1 ;;
  esac
}
