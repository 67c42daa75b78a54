# CAs for the token server of a registry that others operate. With the containerd image store, dockerd asks it without the CA of certs.d
# (moby#52361). It reads this folder beside the system's own (SSL_CERT_DIR of docker.service), and trusts its CAs for every server.
# shellcheck disable=SC2154 # files.sh sets path_wrong, file_wrong and others_found

TOKEN_CA=/etc/docker/token-ca
TOKEN_CA_LOADED=/run/sealift/token-ca.loaded

# Fact: dockerd trusts these CAs in addition to those of the system, and no others.
# $@ each certificate as base64 of its DER; none if the site lists none
check_token_ca() {
  if folder_others "$TOKEN_CA" registry.crt; then
    echo "dockerd trusts CA files that Sealift did not create:$others_found"
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
  file_inspect "$TOKEN_CA/registry.crt"
  if ! file_is "$TOKEN_CA/registry.crt" "$(ca_pem "$@")"; then
    echo "$file_wrong"
    return 1
  fi
}
guard_token_ca() {
  if folder_others "$TOKEN_CA" registry.crt; then
    refuse E_REGISTRY_CA "dockerd trusts CA files that Sealift did not create:$others_found" "find out where they come from, then move them to another directory"
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
      echo "a CA of the site is not a certificate"
      return 1
    fi
  done
  # The engine reads every file in the folder as a CA, so the new one is written beside the folder.
  ca_pem "$@" >"$TOKEN_CA.new"
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
