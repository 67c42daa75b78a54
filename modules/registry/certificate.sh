# The server certificate of the registry, signed by the CA of its host.
# shellcheck disable=SC2154 # files.sh sets file_wrong

# Fact: the CA signed the registry's certificate for its name and address, it is valid for $3 more days, and only root can change it.
# $1 DNS name, $2 IPv4 address, $3 days
check_registry_certificate() {
  if ! key_right server '%U %G %a' "root $REGISTRY_USER 640" || ! certificates_owned server; then return 1; fi
  if ! valid_for "$REGISTRY_ETC/server.crt" "$3"; then return 1; fi
  for certificate_what in "-verify_hostname $1" "-verify_ip $2"; do
    # shellcheck disable=SC2086 # an option and its value
    if ! certificate_found=$(openssl verify -CAfile "$REGISTRY_ETC/ca.crt" -purpose sslserver $certificate_what "$REGISTRY_ETC/server.crt" 2>&1); then
      certificate_found=${certificate_found##*: }
      echo "not valid for ${certificate_what#* }: ${certificate_found%%"$SEALIFT_LINE_END"*}"
      return 1
    fi
  done
}
apply_registry_certificate() {
  # Clients use subjectAltName; a common name is too short for some names.
  (
    umask 077
    openssl ecparam -name prime256v1 -genkey -noout -out "$REGISTRY_ETC/server.key.new"
  )
  openssl req -new -key "$REGISTRY_ETC/server.key.new" -subj "/CN=Sealift registry" -out "$REGISTRY_ETC/server.csr" -config /dev/stdin <<END
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

# certificates_owned NAME...: whether these certificates, if they exist, belong to root and are readable for all; prints which is not.
certificates_owned() {
  file_inspect "$REGISTRY_ETC"/*.crt
  for certificate_one; do
    if [ ! -e "$REGISTRY_ETC/$certificate_one.crt" ] || file_owned "$REGISTRY_ETC/$certificate_one.crt" "$FILE_OURS"; then continue; fi
    echo "$file_wrong"
    return 1
  done
}

# certificates_take_back NAME...: restores their owner and mode; the content stays.
certificates_take_back() {
  for certificate_one; do
    if [ ! -f "$REGISTRY_ETC/$certificate_one.crt" ] || [ -L "$REGISTRY_ETC/$certificate_one.crt" ]; then continue; fi
    chown root:root "$REGISTRY_ETC/$certificate_one.crt"
    chmod 0644 "$REGISTRY_ETC/$certificate_one.crt"
  done
}

# key_right NAME FORMAT EXPECTED: whether the key has the EXPECTED owner and mode in stat's FORMAT and matches the certificate; prints what does
# not.
key_right() {
  key_found=$(stat -c "$2" "$REGISTRY_ETC/$1.key" 2>/dev/null || echo absent)
  if [ "$key_found" != "$3" ]; then
    echo "$REGISTRY_ETC/$1.key: $key_found"
    return 1
  fi
  if [ ! -s "$REGISTRY_ETC/$1.crt" ] || [ "$(openssl x509 -in "$REGISTRY_ETC/$1.crt" -noout -pubkey 2>/dev/null)" != "$(openssl pkey -in "$REGISTRY_ETC/$1.key" -pubout 2>/dev/null)" ]; then
    echo "$REGISTRY_ETC/$1.crt is missing, or does not belong to $1.key"
    return 1
  fi
}

# valid_for CERTIFICATE DAYS: whether it is valid for this number of days; prints its expiry if not.
valid_for() {
  if openssl x509 -in "$1" -noout -checkend "$(($2 * 86400))" >/dev/null; then return 0; fi
  valid_end=$(openssl x509 -in "$1" -noout -enddate)
  echo "${1##*/} expires on ${valid_end#*=}, less than $2 days from now"
  return 1
}
