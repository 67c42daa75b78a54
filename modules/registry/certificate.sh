# Who vouches for the registry: a CA that is made here and whose key never leaves, and the certificate that it signs. The CA
# may speak for this registry's name and address only, so that whoever trusts it trusts it for nothing else.

REGISTRY_ETC=/etc/sealift/registry

# Fact: this host has a CA for the registry, for its name and address alone, good for another year; its key is root's.
# $1 host, $2 DNS name, $3 IPv4 address
check_registry_ca() {
  ca_found=$(stat -c '%U %a' "$REGISTRY_ETC/ca.key" 2>/dev/null || echo absent)
  if [ "$ca_found" != "root 600" ]; then
    echo "$REGISTRY_ETC/ca.key: $ca_found"
    return 1
  fi
  if ! key_fits "$REGISTRY_ETC/ca"; then
    echo "$REGISTRY_ETC/ca.crt is absent, or not of ca.key"
    return 1
  fi
  # Its spelling is the same from openssl 3.0 to 3.5.
  ca_found=$(openssl x509 -in "$REGISTRY_ETC/ca.crt" -noout -ext nameConstraints | tr -s ' \n' ' ')
  if [ "$ca_found" != "X509v3 Name Constraints: critical Permitted: DNS:$2 IP:$3/255.255.255.255 " ]; then
    echo "it speaks for others: $ca_found"
    return 1
  fi
  valid_for "$REGISTRY_ETC/ca.crt" 365
}
apply_registry_ca() {
  install -d -m 0755 "${REGISTRY_ETC%/*}" "$REGISTRY_ETC"
  (
    umask 077
    openssl ecparam -name prime256v1 -genkey -noout -out "$REGISTRY_ETC/ca.key.new"
  )
  openssl req -x509 -new -key "$REGISTRY_ETC/ca.key.new" -sha256 -days 3650 -out "$REGISTRY_ETC/ca.crt.new" -config /dev/stdin <<END
[req]
prompt = no
distinguished_name = name
x509_extensions = ca
[name]
CN = Sealift registry $2 on $1
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, permitted;DNS:$2, permitted;IP:$3/255.255.255.255
END
  chmod 0644 "$REGISTRY_ETC/ca.crt.new"
  sync "$REGISTRY_ETC/ca.key.new" "$REGISTRY_ETC/ca.crt.new"
  mv "$REGISTRY_ETC/ca.key.new" "$REGISTRY_ETC/ca.key"
  mv "$REGISTRY_ETC/ca.crt.new" "$REGISTRY_ETC/ca.crt"
}
# What the clients of the registry have to know: the certificate as base64 of its DER, in one line.
value_registry_ca() { sed '/^-----/d' "$REGISTRY_ETC/ca.crt" | tr -d '\n'; }

# Fact: the registry's certificate is the CA's, for its name and address, and valid for some days more.
# $1 DNS name, $2 IPv4 address, $3 days
check_registry_certificate() {
  certificate_found=$(stat -c '%U %G %a' "$REGISTRY_ETC/server.key" 2>/dev/null || echo absent)
  if [ "$certificate_found" != "root $REGISTRY_USER 640" ]; then
    echo "$REGISTRY_ETC/server.key: $certificate_found"
    return 1
  fi
  if ! key_fits "$REGISTRY_ETC/server"; then
    echo "$REGISTRY_ETC/server.crt is absent, or not of server.key"
    return 1
  fi
  valid_for "$REGISTRY_ETC/server.crt" "$3"
  for certificate_what in "-verify_hostname $1" "-verify_ip $2"; do
    # shellcheck disable=SC2086 # an option and its value
    if ! certificate_found=$(openssl verify -CAfile "$REGISTRY_ETC/ca.crt" -purpose sslserver $certificate_what "$REGISTRY_ETC/server.crt" 2>&1); then
      certificate_found=${certificate_found##*: }
      echo "not good for ${certificate_what#* }: ${certificate_found%%"$SEALIFT_LINE_END"*}"
      return 1
    fi
  done
}
apply_registry_certificate() {
  (
    umask 077
    openssl ecparam -name prime256v1 -genkey -noout -out "$REGISTRY_ETC/server.key.new"
  )
  openssl req -new -key "$REGISTRY_ETC/server.key.new" -subj "/CN=$1" -out "$REGISTRY_ETC/server.csr" -config /dev/stdin <<END
[req]
distinguished_name = name
[name]
END
  # A year; Sealift renews it when less than $3 days are left.
  openssl x509 -req -in "$REGISTRY_ETC/server.csr" -CA "$REGISTRY_ETC/ca.crt" -CAkey "$REGISTRY_ETC/ca.key" -sha256 \
    -set_serial "0x$(openssl rand -hex 16)" -days 365 -out "$REGISTRY_ETC/server.crt.new" -extfile /dev/stdin <<END
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:$1, IP:$2
END
  rm "$REGISTRY_ETC/server.csr"
  chown "root:$REGISTRY_USER" "$REGISTRY_ETC/server.key.new"
  chmod 0640 "$REGISTRY_ETC/server.key.new"
  chmod 0644 "$REGISTRY_ETC/server.crt.new"
  sync "$REGISTRY_ETC/server.key.new" "$REGISTRY_ETC/server.crt.new"
  mv "$REGISTRY_ETC/server.key.new" "$REGISTRY_ETC/server.key"
  mv "$REGISTRY_ETC/server.crt.new" "$REGISTRY_ETC/server.crt"
}

# key_fits PATH: whether PATH.crt is of PATH.key.
key_fits() {
  if [ ! -s "$1.crt" ]; then return 1; fi
  [ "$(openssl x509 -in "$1.crt" -noout -pubkey 2>/dev/null)" = "$(openssl pkey -in "$1.key" -pubout 2>/dev/null)" ]
}

# valid_for CERTIFICATE DAYS: whether it is valid now and in so many days; says until when when it is not.
valid_for() {
  if openssl x509 -in "$1" -noout -checkend "$(($2 * 86400))" >/dev/null; then return 0; fi
  valid_end=$(openssl x509 -in "$1" -noout -enddate)
  echo "${1##*/} ends on ${valid_end#*=}, less than $2 days from now"
  return 1
}
