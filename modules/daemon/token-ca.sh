# CAs for the token server that a registry of others names. With the containerd image store, dockerd asks it without the CA of certs.d
# (moby#52361). It reads this folder beside the system's own (SSL_CERT_DIR of docker.service), and believes what is in it for every server.
# shellcheck disable=SC2154 # files.sh sets path_wrong, file_wrong and others_found

TOKEN_CA=/etc/docker/token-ca
TOKEN_CA_LOADED=/run/sealift/token-ca.loaded

# Fact: dockerd believes these CAs beside those of the system, and no others.
# $@ each certificate as base64 of its DER; none where the site names none
check_token_ca() {
  if folder_others "$TOKEN_CA" registry.crt; then
    echo "dockerd takes for CAs what Sealift did not put there:$others_found"
    return 1
  fi
  if ! path_is_safe "$TOKEN_CA"; then
    echo "$path_wrong"
    return 1
  fi
  if [ $# -eq 0 ]; then
    if [ ! -e "$TOKEN_CA/registry.crt" ] && [ ! -L "$TOKEN_CA/registry.crt" ]; then return 0; fi
    echo "$TOKEN_CA/registry.crt has a CA that the site does not name"
    return 1
  fi
  file_look "$TOKEN_CA/registry.crt"
  if ! file_is "$TOKEN_CA/registry.crt" "$(authority_pem "$@")"; then
    echo "$file_wrong"
    return 1
  fi
}
guard_token_ca() {
  if folder_others "$TOKEN_CA" registry.crt; then
    refuse_because E_REGISTRY_CA "dockerd takes for CAs what Sealift did not put there:$others_found" "see whose they are, then move them away"
  fi
}
apply_token_ca() {
  guard_token_ca
  install -d -o root -g root -m 0755 "$TOKEN_CA"
  if ! path_is_safe "$TOKEN_CA"; then
    echo "$path_wrong"
    return 1
  fi
  rm -f "$TOKEN_CA/registry.crt"
  if [ $# -eq 0 ]; then return 0; fi
  for token_one; do
    if ! ca_read "$token_one"; then
      echo "what is to be trusted is no certificate"
      return 1
    fi
  done
  # The engine takes every file of the folder for a CA, so that a new one begins beside it.
  authority_pem "$@" >"$TOKEN_CA.new"
  chmod 0644 "$TOKEN_CA.new"
  mv "$TOKEN_CA.new" "$TOKEN_CA/registry.crt"
}
effect_token_ca() {
  if ! systemctl is-active --quiet docker.service; then
    echo none
  elif ! daemon_containers_run || daemon_keeps_containers; then
    echo restart
  else
    echo containers-stop
  fi
}

# token_ca_loaded: whether the daemon that runs was started with what is in the folder now.
token_ca_loaded() {
  [ "$(cat "$TOKEN_CA"/* 2>/dev/null || true)" = "$(cat "$TOKEN_CA_LOADED"/* 2>/dev/null || true)" ]
}
