# The certificates of stores, as hosts that write to them have them. Such a certificate is trusted for connections to its store alone.
# shellcheck disable=SC2154 # files.sh sets file_wrong

STORE_CERTIFICATES=/etc/sealift/backup/stores

# Fact: the certificate that the store has reported is the one that restic on this host trusts for it, and only root can change it.
# $1 host of the store, $2 its certificate as base64 of DER; unknown while the store does not respond: then an earlier one stays
check_store_certificate_known() {
  file_inspect "$STORE_CERTIFICATES/$1.crt"
  if [ "$2" = unknown ]; then
    if ! file_owned "$STORE_CERTIFICATES/$1.crt" "$FILE_OURS"; then
      echo "$1 has not reported a certificate yet"
      return 1
    fi
  elif ! file_is "$STORE_CERTIFICATES/$1.crt" "$(ca_text "$2")"; then
    echo "$file_wrong"
    return 1
  fi
  if ! path_is_safe "$STORE_CERTIFICATES"; then
    echo "$path_wrong"
    return 1
  fi
}
apply_store_certificate_known() {
  if [ "$2" = unknown ]; then
    echo "$1 has not reported a certificate; bring that host up first"
    return 1
  fi
  if ! ca_read "$2"; then
    echo "the certificate of $1 cannot be read by openssl"
    return 1
  fi
  install -d -o root -g root -m 0755 /etc/sealift /etc/sealift/backup "$STORE_CERTIFICATES"
  file_put "$STORE_CERTIFICATES/$1.crt" "$(ca_text "$2")"
}
