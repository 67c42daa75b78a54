# The only caller of curl. What a registry says (where it sends people, for a token or for bytes) is a stranger's word: it is
# read strictly, it leads only to hosts that are named beforehand, and it can never be an option.

# The longest URL that is followed, and the most that is read of an answer that is not bytes of the bundle: object stores sign
# their URLs with some 2,000 characters, and servers refuse headers above 8 to 16 KiB.
WEB_URL_MAX=8192
WEB_TEXT_MAX=65536

# web_curl ORIGINS URL BYTES SECONDS OPTION...: one request by curl, with curl's exit status; 97 when the URL is refused, with
# the reason on standard output. ORIGINS are name:port of the hosts that may be asked, with blanks between; BYTES is the most
# that the answer may have, SECONDS the most that all tries together may take. No redirect is followed.
web_curl() {
  if ! web_url "$1" "$2"; then
    echo "$web_refused"
    return 97
  fi
  web_to=$2
  web_bytes=$3
  web_seconds=$4
  shift 4
  # In a shell of its own. curl before 8.4 counts no answer that does not say how long it is; a file, the kernel counts
  # (512 bytes each, SIGXFSZ).
  (
    ulimit -c 0
    ulimit -f "$(((web_bytes + 511) / 512))"
    exec timeout "$web_seconds" curl -q --silent --show-error --globoff --proto =https --max-filesize "$web_bytes" --tlsv1.2 \
      --noproxy '*' "$@" --url "$web_to"
  )
}

# web_seconds_for BYTES: prints the most seconds that so many bytes may take: two minutes, and as long as they take at 64 KiB a second.
# Whoever gives them more slowly does not give them: another one is asked, or the next run goes on with what came.
web_seconds_for() { echo "$((120 + $1 / 65536))"; }

# web_text BYTES: passes so many bytes of standard input on, as plain_text does and without tabs.
web_text() { head -c "$1" | tr -d '\011' | plain_text; }

# web_url ORIGINS URL: whether it is an https URL of one of these hosts; sets web_origin to its name:port, or web_refused to why
# not.
web_url() {
  web_origin=
  case $2 in
    https://?*) ;;
    *)
      web_refused="it leads to something that is no https URL"
      return 1
      ;;
  esac
  # RFC 3986 without brackets, quotes and fragment: no token server and no object store needs them.
  case $2 in
    *[!A-Za-z0-9:/?%.,\&=+~_@!$*\;-]*)
      web_refused="it leads to a URL with characters that none has"
      return 1
      ;;
  esac
  if [ "${#2}" -gt "$WEB_URL_MAX" ]; then
    web_refused="it leads to a URL of ${#2} characters"
    return 1
  fi
  web_origin=${2#https://}
  web_origin=${web_origin%%[/?]*}
  case $web_origin in
    *[!a-z0-9:.-]* | .* | -* | :* | *: | *:*:*)
      web_refused="it leads to a URL whose host is none"
      web_origin=
      return 1
      ;;
    *:*) ;;
    *) web_origin=$web_origin:443 ;;
  esac
  case " $1 " in *" $web_origin "*) return 0 ;; esac
  web_refused="it leads to $web_origin, which is not among the hosts that may be asked: $1"
  return 1
}

# web_header NAME: prints the value of the last header of this name, in small letters, out of the head on standard input; empty
# when there is none, or more than 64 lines of head. What a head is: RFC 9110, 5 and 6.
web_header() {
  web_text "$WEB_TEXT_MAX" | awk -v name="$1:" '
    NR > 64 { exit }
    tolower(substr($0, 1, length(name))) == name {
      value = substr($0, length(name) + 1)
      gsub(/^ +| +$/, "", value)
      if (length(value) <= 8192) found = value
    }
    END { print found }'
}
