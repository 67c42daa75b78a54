# Who vouches for the registry: a CA that is made here and whose key never leaves. It can vouch for this registry's name and
# address only (ca-shape.sh), so that whoever trusts it trusts it for nothing else. A next one is told to clients long before it signs.

REGISTRY_ETC=/etc/sealift/registry

# Fact: this host has a CA for the registry, for its name and address alone; its key is root's, and root alone may change it. When it has less than two years
# left, when an earlier Sealift has made it, or when a person has made $REGISTRY_ETC/ca.renew, clients trust a next one beside it,
# which signs from the next certificate on.
# $1 host, $2 DNS name, $3 IPv4 address, $4 days before the end of the certificate in which another is made
check_registry_ca() {
  ca_decide "$2" "$3" "$4"
  if [ "$ca_todo" = nothing ]; then
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
  case $ca_todo in
    create) ca_make ca "$@" ;;
    announce) ca_make next "$@" ;;
    take_over)
      mv "$REGISTRY_ETC/next.key" "$REGISTRY_ETC/ca.key"
      mv "$REGISTRY_ETC/next.crt" "$REGISTRY_ETC/ca.crt"
      rm -f "$REGISTRY_ETC/ca.renew"
      ;;
  esac
}
# What the clients of the registry have to know: each certificate as base64 of its DER, with a blank between.
value_registry_ca() {
  for ca_one in "$REGISTRY_ETC/ca.crt" "$REGISTRY_ETC/next.crt"; do
    if [ ! -e "$ca_one" ]; then continue; fi
    authority_base64 "$ca_one"
    echo
  done | paste -s -d ' '
}

# ca_decide NAME ADDRESS DAYS: sets ca_todo to nothing, create, announce or take_over, and ca_why to what was found.
ca_decide() {
  ca_todo=nothing
  # A certificate is good for a year and must end before what signed it.
  if ! ca_right ca "$1" "$2" 365; then
    ca_found=$ca_why
    ca_todo=create
    if ca_right next "$1" "$2" 365; then ca_todo=take_over; fi
    ca_why=$ca_found
    return 0
  fi
  ca_now=$ca_is
  if ! ca_right next "$1" "$2" 730; then
    if [ -e "$REGISTRY_ETC/ca.renew" ]; then
      ca_why="$REGISTRY_ETC/ca.renew asks for a new CA"
      ca_todo=announce
    elif [ "$ca_now" = earlier ]; then
      ca_why="ca.crt is of an earlier Sealift: it vouches for names below $1, for mail and for clients too"
      ca_todo=announce
    elif ! ca_why=$(valid_for "$REGISTRY_ETC/ca.crt" 730); then
      ca_todo=announce
    fi
    return 0
  fi
  # Every client has been told by the run that made it, or by the next one that reached it.
  if [ -z "$(find "$REGISTRY_ETC/next.crt" -mmin +1440)" ]; then return 0; fi
  if [ ! -e "$REGISTRY_ETC/ca.renew" ] && [ "$ca_now" = right ] && valid_for "$REGISTRY_ETC/server.crt" "$3" >/dev/null 2>&1; then return 0; fi
  ca_why="clients have known the next CA since $(date -u -r "$REGISTRY_ETC/next.crt" +%Y-%m-%d); the one that signs is still the old"
  ca_todo=take_over
}

# ca_right WHICH NAME ADDRESS DAYS: whether it is as it should be, and for so many days more; sets ca_is to right or earlier, or
# ca_why to what is not as it should be. Only the one that signs may be of an earlier Sealift.
ca_right() {
  if ! ca_why=$(key_right "$1" '%U %a' "root 600"); then return 1; fi
  ca_is=$(ca_shape "$(authority_base64 "$REGISTRY_ETC/$1.crt")" "$2" "$3")
  case $1-$ca_is in
    *-right | ca-earlier) ;;
    *)
      ca_why="$1.crt can vouch for something else than $2 and $3"
      return 1
      ;;
  esac
  ca_why=$(valid_for "$REGISTRY_ETC/$1.crt" "$4")
}

# ca_make WHICH HOST NAME ADDRESS: good for ten years.
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
# (RFC 2606). A common name has 64 characters at most (RFC 5280, A.1), which the host's has and the registry's need not. Go, which engines are made of, refuses a critical constraint of directory names.
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
