# The only caller of curl. Redirects, token servers and headers from a registry are untrusted input: they are parsed strictly, lead only to
# hosts that the site allows, and can never become an option.

# The longest URL that is followed, and the most that is read of an answer other than a blob: object stores sign their URLs with about 2,000
# characters, and servers reject headers above 8 to 16 KiB.
WEB_URL_MAX=8192
WEB_TEXT_MAX=65536

# web_curl ORIGINS URL BYTES SECONDS OPTION...: one request by curl, with curl's exit status; 97 if the URL is refused, with the reason on
# standard output. ORIGINS are the allowed hosts as name:port, separated by blanks; BYTES is the maximum size of the answer, SECONDS the
# maximum for all attempts together. Redirects are not followed.
web_curl() {
  if ! web_url "$1" "$2"; then
    echo "$web_refused"
    return 97
  fi
  web_to=$2
  web_bytes=$3
  web_seconds=$4
  shift 4
  # In a subshell because of ulimit. curl before 8.4 does not limit an answer without Content-Length; the kernel limits the file (units of
  # 512 bytes, SIGXFSZ).
  (
    ulimit -c 0
    ulimit -f "$(((web_bytes + 511) / 512))"
    exec timeout "$web_seconds" curl -q --silent --show-error --globoff --proto =https --max-filesize "$web_bytes" --tlsv1.2 \
      --noproxy '*' "$@" --url "$web_to"
  )
}

# web_status_lines: prints a function for scripts that run without the library.
web_status_lines() {
  cat <<'END'
# web_status NAME:PORT CA: prints the status with which the registry on this host answers as NAME.
web_status() {
  timeout 30 curl -q --silent --globoff --proto =https --tlsv1.2 --max-time 20 --max-filesize 65536 --noproxy '*' --output /dev/null \
    --write-out '%{http_code}' --cacert "$2" --capath /dev/null --resolve "$1:127.0.0.1" --url "https://$1/v2/"
}
END
}

# web_seconds_for BYTES: prints the time limit for a download: two minutes, plus the time at 64 KiB per second. After that another reader is
# tried, or the next run resumes.
web_seconds_for() { echo "$((120 + $1 / 65536))"; }

# web_text BYTES: passes through at most BYTES of standard input, filtered by plain_text and without tabs.
web_text() { head -c "$1" | tr -d '\011' | plain_text; }

# web_url ORIGINS URL: whether URL is https and its host is allowed; sets web_origin to its name:port, or web_refused to the reason.
web_url() {
  web_origin=
  case $2 in
    https://?*) ;;
    *)
      web_refused="it leads to a URL that is not https"
      return 1
      ;;
  esac
  # RFC 3986 without brackets, quotes and fragment, which no token server or object store needs.
  case $2 in
    *[!A-Za-z0-9:/?%.,\&=+~_@!$*\;-]*)
      web_refused="it leads to a URL with invalid characters"
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
      web_refused="it leads to a URL with an invalid host"
      web_origin=
      return 1
      ;;
    *:*) ;;
    *) web_origin=$web_origin:443 ;;
  esac
  case " $1 " in *" $web_origin "*) return 0 ;; esac
  web_refused="it leads to $web_origin, which is not one of the allowed hosts: $1"
  return 1
}

# web_header NAME: prints the value of the last header with this name (in lower case) of the header section on standard input; empty if
# there is none or the section exceeds 64 lines. RFC 9110, 5 and 6.
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
