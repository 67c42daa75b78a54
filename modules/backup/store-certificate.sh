# The certificate of a store: made on this host for its address, signed by itself, and trusted by the hosts that write here for nothing else.
# A CA would add nothing: Sealift carries the certificate itself to these hosts.
# shellcheck disable=SC2154 # files.sh sets path_wrong

STORE_ETC=/etc/sealift/store
STORE_USER=sealift-store
# It is made for ten years, and made again, by a run, when less than one is left.
STORE_CERTIFICATE_DAYS=3650
STORE_RENEWAL_DAYS=365

# Fact: the store has a certificate for its address that is valid for another year, and only root can change it or its key.
# $1 IPv4 address
check_store_certificate() {
  store_found=$(stat -c '%U %G %a %F' "$STORE_ETC/server.key" "$STORE_ETC/server.crt" 2>/dev/null || true)
  if [ "$store_found" != "root $STORE_USER 640 regular file${SEALIFT_LINE_END}root root 644 regular file" ]; then
    echo "server.key or server.crt in $STORE_ETC is missing, or has the wrong owner or mode"
    return 1
  fi
  if [ "$(openssl x509 -in "$STORE_ETC/server.crt" -noout -pubkey 2>/dev/null)" != "$(openssl pkey -in "$STORE_ETC/server.key" -pubout 2>/dev/null)" ]; then
    echo "$STORE_ETC/server.crt does not belong to server.key"
    return 1
  fi
  store_found=$(openssl x509 -in "$STORE_ETC/server.crt" -noout -ext basicConstraints,subjectAltName 2>/dev/null | tr -s '\n ' '  ')
  if [ "$store_found" != "X509v3 Basic Constraints: critical CA:FALSE X509v3 Subject Alternative Name: IP Address:$1 " ]; then
    echo "$STORE_ETC/server.crt is for ${store_found##*: }"
    return 1
  fi
  if ! openssl x509 -in "$STORE_ETC/server.crt" -noout -checkend "$((STORE_RENEWAL_DAYS * 86400))" >/dev/null; then
    store_found=$(openssl x509 -in "$STORE_ETC/server.crt" -noout -enddate)
    echo "server.crt expires on ${store_found#*=}, less than $STORE_RENEWAL_DAYS days from now"
    return 1
  fi
  if ! path_is_safe "$STORE_ETC"; then
    echo "$path_wrong"
    return 1
  fi
}
# The certificate, for the hosts that write here.
value_store_certificate() { ca_base64 "$STORE_ETC/server.crt"; }
apply_store_certificate() {
  install -d -o root -g root -m 0755 "${STORE_ETC%/*}" "$STORE_ETC"
  (
    umask 077
    openssl ecparam -name prime256v1 -genkey -noout -out "$STORE_ETC/server.key.new"
  )
  openssl req -x509 -new -key "$STORE_ETC/server.key.new" -sha256 -days "$STORE_CERTIFICATE_DAYS" -set_serial "0x$(openssl rand -hex 16)" \
    -out "$STORE_ETC/server.crt.new" -config /dev/stdin <<END
[req]
distinguished_name = name
prompt = no
x509_extensions = usage
[name]
CN = Sealift store of backups
[usage]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
subjectAltName = IP:$1
END
  chown "root:$STORE_USER" "$STORE_ETC/server.key.new"
  chmod 0640 "$STORE_ETC/server.key.new"
  chmod 0644 "$STORE_ETC/server.crt.new"
  # Cut between the two, the next run makes both again: they would not belong together.
  put_in_place "$STORE_ETC/server.key"
  put_in_place "$STORE_ETC/server.crt"
}
