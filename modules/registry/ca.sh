# The CA of the registry, created on this host; its key never leaves. It can sign for this registry's name and address only (ca-shape.sh), so
# trusting it covers nothing else. Clients receive the next CA long before it signs.

REGISTRY_ETC=/etc/sealift/registry

# Fact: this host has a CA for the registry, for its name and address alone; its key is root's, and root alone may change it. When it has less
# than two years left, when an earlier Sealift created it, or when an operator created $REGISTRY_ETC/ca.renew, clients also trust a next CA,
# which signs from the next certificate on.
# $1 host, $2 DNS name, $3 IPv4 address, $4 days before its expiry in which the certificate is renewed
check_registry_ca() {
  ca_decide "$2" "$3" "$4"
  if [ "$ca_action" = nothing ]; then
    certificates_owned ca next
    return
  fi
  echo "$ca_why"
  return 1
}
apply_registry_ca() {
  ca_decide "$2" "$3" "$4"
  install -d -m 0755 "${REGISTRY_ETC%/*}" "$REGISTRY_ETC"
  certificates_take_back ca next
  case $ca_action in
    create) ca_make ca "$@" ;;
    announce) ca_make next "$@" ;;
    rotate)
      mv "$REGISTRY_ETC/next.key" "$REGISTRY_ETC/ca.key"
      mv "$REGISTRY_ETC/next.crt" "$REGISTRY_ETC/ca.crt"
      rm -f "$REGISTRY_ETC/ca.renew"
      ;;
  esac
}
# What the registry's clients need: each certificate as base64 of its DER, with a blank between.
value_registry_ca() {
  for ca_one in "$REGISTRY_ETC/ca.crt" "$REGISTRY_ETC/next.crt"; do
    if [ ! -e "$ca_one" ]; then continue; fi
    ca_base64 "$ca_one"
    echo
  done | paste -s -d ' '
}

# ca_decide NAME ADDRESS DAYS: sets ca_action to nothing, create, announce or rotate, and ca_why to what was found.
ca_decide() {
  ca_action=nothing
  # A certificate is valid for a year and must expire before its CA.
  if ! ca_right ca "$1" "$2" 365; then
    ca_found=$ca_why
    ca_action=create
    if ca_right next "$1" "$2" 365; then ca_action=rotate; fi
    ca_why=$ca_found
    return 0
  fi
  ca_now=$ca_is
  if ! ca_right next "$1" "$2" 730; then
    if [ -e "$REGISTRY_ETC/ca.renew" ]; then
      ca_why="$REGISTRY_ETC/ca.renew asks for a new CA"
      ca_action=announce
    elif [ "$ca_now" = earlier ]; then
      ca_why="ca.crt was made by an earlier Sealift: it can also sign for subdomains of $1, for mail and for clients"
      ca_action=announce
    elif ! ca_why=$(valid_for "$REGISTRY_ETC/ca.crt" 730); then
      ca_action=announce
    fi
    return 0
  fi
  # After a day, every client has received it, from the run that created it or the next one that reached it.
  if [ -z "$(find "$REGISTRY_ETC/next.crt" -mmin +1440)" ]; then return 0; fi
  if [ ! -e "$REGISTRY_ETC/ca.renew" ] && [ "$ca_now" = right ] && valid_for "$REGISTRY_ETC/server.crt" "$3" >/dev/null 2>&1; then return 0; fi
  ca_why="next CA distributed to clients on $(date -u -r "$REGISTRY_ETC/next.crt" +%Y-%m-%d); rotation is due"
  ca_action=rotate
}

# ca_right WHICH NAME ADDRESS DAYS: whether it is correct and valid for this number of days; sets ca_is to right or earlier, or
# ca_why to the problem. Only the signing CA may be from an earlier Sealift.
ca_right() {
  if ! ca_why=$(key_right "$1" '%U %a' "root 600"); then return 1; fi
  ca_is=$(ca_shape "$(ca_base64 "$REGISTRY_ETC/$1.crt")" "$2" "$3")
  case $1-$ca_is in
    *-right | ca-earlier) ;;
    *)
      ca_why="$1.crt can sign for more than $2 and $3"
      return 1
      ;;
  esac
  ca_why=$(valid_for "$REGISTRY_ETC/$1.crt" "$4")
}

# ca_make WHICH HOST NAME ADDRESS: valid for ten years.
ca_make() {
  (
    umask 077
    openssl ecparam -name prime256v1 -genkey -noout -out "$REGISTRY_ETC/$1.key.new"
  )
  ca_certificate "$REGISTRY_ETC/$1.key.new" "$2" "$3" "$4" "$REGISTRY_ETC/$1.crt.new"
  chmod 0644 "$REGISTRY_ETC/$1.crt.new"
  sync "$REGISTRY_ETC/$1.key.new" "$REGISTRY_ETC/$1.crt.new"
  mv "$REGISTRY_ETC/$1.key.new" "$REGISTRY_ETC/$1.key"
  mv "$REGISTRY_ETC/$1.crt.new" "$REGISTRY_ETC/$1.crt"
}

# ca_certificate KEY HOST NAME ADDRESS FILE: writes the CA's own certificate, as ca_shape has it. "invalid" has no mailbox and no URI
# (RFC 2606). A common name has 64 characters at most (RFC 5280, A.1), which the host's has and the registry's need not.
# Go, in which engines are written, rejects a critical constraint of directory names.
ca_certificate() {
  openssl req -x509 -new -key "$1" -sha256 -days 3650 -out "$5" -config /dev/stdin <<END
[req]
prompt = no
distinguished_name = name
x509_extensions = ca
[name]
O = Sealift registry
CN = $2
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;DNS:$3, permitted;IP:$4/255.255.255.255, permitted;email:invalid, permitted;URI:invalid, excluded;DNS:.$3
END
}
