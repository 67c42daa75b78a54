# Who vouches for the registry: a CA that is made here and whose key never leaves. It may speak for this registry's name and
# address only, so that whoever trusts it trusts it for nothing else. A next one is told to clients long before it signs.

REGISTRY_ETC=/etc/sealift/registry

# Fact: this host has a CA for the registry, for its name and address alone; its key is root's. When it has less than two years
# left, or a person has made $REGISTRY_ETC/ca.renew, clients trust a next one beside it, which signs from the next certificate on.
# $1 host, $2 DNS name, $3 IPv4 address, $4 days before the end of the certificate in which another is made
check_registry_ca() {
  ca_decide "$2" "$3" "$4"
  if [ "$ca_todo" = nothing ]; then return 0; fi
  echo "$ca_why"
  return 1
}
apply_registry_ca() {
  ca_decide "$2" "$3" "$4"
  install -d -m 0755 "${REGISTRY_ETC%/*}" "$REGISTRY_ETC"
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
    sed '/^-----/d' "$ca_one" | tr -d '\n'
    echo
  done | paste -s -d ' '
}

# ca_decide NAME ADDRESS DAYS: sets ca_todo to nothing, create, announce or take_over, and ca_why to what was found.
ca_decide() {
  ca_todo=nothing
  # A certificate is good for a year and must end before what signed it.
  if ! ca_why=$(ca_right ca "$1" "$2" 365); then
    ca_todo=create
    if ca_right next "$1" "$2" 365 >/dev/null; then ca_todo=take_over; fi
    return 0
  fi
  if ! ca_right next "$1" "$2" 730 >/dev/null; then
    if [ -e "$REGISTRY_ETC/ca.renew" ]; then
      ca_why="$REGISTRY_ETC/ca.renew asks for a new CA"
      ca_todo=announce
    elif ! ca_why=$(valid_for "$REGISTRY_ETC/ca.crt" 730); then
      ca_todo=announce
    fi
    return 0
  fi
  # Every client has been told by the run that made it, or by the next one that reached it.
  if [ -z "$(find "$REGISTRY_ETC/next.crt" -mmin +1440)" ]; then return 0; fi
  if [ ! -e "$REGISTRY_ETC/ca.renew" ] && valid_for "$REGISTRY_ETC/server.crt" "$3" >/dev/null 2>&1; then return 0; fi
  ca_why="clients have known the next CA since $(date -u -r "$REGISTRY_ETC/next.crt" +%Y-%m-%d); the one that signs is still the old"
  ca_todo=take_over
}

# ca_right WHICH NAME ADDRESS DAYS: whether it is as it should be, and for so many days more; says what is not.
ca_right() {
  if ! key_right "$1" '%U %a' "root 600"; then return 1; fi
  # Its spelling is the same from openssl 3.0 to 3.5.
  ca_found=$(openssl x509 -in "$REGISTRY_ETC/$1.crt" -noout -ext nameConstraints | tr -s ' \n' ' ')
  if [ "$ca_found" != "X509v3 Name Constraints: critical Permitted: DNS:$2 IP:$3/255.255.255.255 " ]; then
    echo "it speaks for others: $ca_found"
    return 1
  fi
  valid_for "$REGISTRY_ETC/$1.crt" "$4"
}

# ca_make WHICH HOST NAME ADDRESS: good for ten years.
ca_make() {
  (
    umask 077
    openssl ecparam -name prime256v1 -genkey -noout -out "$REGISTRY_ETC/$1.key.new"
  )
  openssl req -x509 -new -key "$REGISTRY_ETC/$1.key.new" -sha256 -days 3650 -out "$REGISTRY_ETC/$1.crt.new" -config /dev/stdin <<END
[req]
prompt = no
distinguished_name = name
x509_extensions = ca
[name]
CN = Sealift registry $3 on $2
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;DNS:$3, permitted;IP:$4/255.255.255.255
END
  chmod 0644 "$REGISTRY_ETC/$1.crt.new"
  sync "$REGISTRY_ETC/$1.key.new" "$REGISTRY_ETC/$1.crt.new"
  mv "$REGISTRY_ETC/$1.key.new" "$REGISTRY_ETC/$1.key"
  mv "$REGISTRY_ETC/$1.crt.new" "$REGISTRY_ETC/$1.crt"
}
