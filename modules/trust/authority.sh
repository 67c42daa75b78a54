# The registry's CAs on its clients: for the engine and for what fetches on the host.

TRUST_CERTS=/etc/docker/certs.d
TRUST_STORE=/usr/local/share/ca-certificates
TRUST_BUNDLE=/etc/ssl/certs/ca-certificates.crt

# Fact: the engine and the system trust the registry's CAs, and no earlier ones of it.
# $1 name:port, $2... each CA's certificate as base64 of its DER, or "unknown" while its host has not made it
check_registry_authority() {
  if [ "$2" = unknown ]; then
    echo "the registry has not made its CA yet"
    return 1
  fi
  authority_registry=$1
  shift
  authority_pem=$(authority_text "$@")
  if [ "$(cat "$TRUST_CERTS/$authority_registry/ca.crt" 2>/dev/null)" != "$authority_pem" ]; then
    echo "$TRUST_CERTS/$authority_registry/ca.crt is absent or another"
    return 1
  fi
  authority_number=0
  for authority_one; do
    authority_number=$((authority_number + 1))
    if [ "$(cat "$TRUST_STORE/sealift-registry-$authority_number.crt" 2>/dev/null)" != "$(authority_text "$authority_one")" ]; then
      echo "$TRUST_STORE/sealift-registry-$authority_number.crt is absent or another"
      return 1
    fi
    # The signature is at its end; no other certificate has the same.
    authority_last=$(authority_text "$authority_one" | tail -n 2 | head -n 1)
    if ! grep -qxF -e "$authority_last" "$TRUST_BUNDLE"; then
      echo "$TRUST_BUNDLE lacks CA $authority_number"
      return 1
    fi
  done
  if [ -e "$TRUST_STORE/sealift-registry-$((authority_number + 1)).crt" ]; then
    echo "the system trusts an earlier CA of the registry"
    return 1
  fi
}
apply_registry_authority() {
  if [ "$2" = unknown ]; then
    echo "the registry has not made its CA yet; run pulumi up again"
    return 1
  fi
  authority_registry=$1
  shift
  for authority_one; do
    if ! authority_text "$authority_one" | openssl x509 -noout 2>/dev/null; then
      echo "what is to be trusted is no certificate"
      return 1
    fi
  done
  install -d -m 0755 "$TRUST_CERTS/$authority_registry" "$TRUST_STORE"
  authority_text "$@" >"$TRUST_CERTS/$authority_registry/ca.crt.new"
  mv "$TRUST_CERTS/$authority_registry/ca.crt.new" "$TRUST_CERTS/$authority_registry/ca.crt"
  # update-ca-certificates leaves its links to what is gone.
  rm -f "$TRUST_STORE"/sealift-registry-*.crt "${TRUST_BUNDLE%/*}"/sealift-registry-*.pem
  authority_number=0
  for authority_one; do
    authority_number=$((authority_number + 1))
    authority_text "$authority_one" >"$TRUST_STORE/sealift-registry-$authority_number.crt"
  done
  timeout 600 update-ca-certificates >/dev/null
}

# authority_text BASE64...: PEM, as every reader of certificates takes it.
authority_text() {
  for text_one; do
    echo "-----BEGIN CERTIFICATE-----"
    printf '%s\n' "$text_one" | fold -w 64
    echo "-----END CERTIFICATE-----"
  done
}
