# The registry's CAs on its clients: for the engine and for what fetches on the host, each in a file of its own. The system's
# store stays without them: it would believe them wherever anything on the host asks for a certificate. An engine takes every .crt in the
# registry's folder for a CA, and every .cert and .key for a login (moby registry/config, containerd docs/hosts.md).
# shellcheck disable=SC2154 # files.sh sets others_found, file_wrong and path_wrong

TRUST_CERTS=/etc/docker/certs.d
TRUST_STORE=/usr/local/share/ca-certificates
TRUST_BUNDLE=/etc/ssl/certs/ca-certificates.crt

# Fact: the engine trusts the registry's CAs, no earlier ones of it, and each for its registry alone, in a file that root alone may change; the
# system trusts none of them.
# $1 name:port, $2... each CA's certificate as base64 of its DER, behind the address of the registry host that has made it and a
# colon, and "named," before that when the site names its hash; the certificate alone when the site has it in a file; or "unknown" while its
# host has not made it; none where the system's own CAs vouch for the registry
check_registry_authority() {
  if [ "${2-}" = unknown ]; then
    echo "the registry has not made its CA yet"
    return 1
  fi
  authority_file=$TRUST_CERTS/$1/ca.crt
  if [ $# -eq 1 ]; then
    certs_authorities "$1" && system_without_authority
    return
  fi
  if folder_others "$TRUST_CERTS/$1" ca.crt ca.crt.new; then
    echo "the engine takes for $1 what Sealift did not put there:$others_found"
    return 1
  fi
  shift
  file_look "$authority_file"
  if ! file_is "$authority_file" "$(authority_pem "$@")"; then
    case $file_wrong in
      *" is absent" | *" is altered") authority_changed "$authority_file" "$@" ;;
      *) echo "$file_wrong" ;;
    esac
    return 1
  fi
  if ! path_is_safe "${authority_file%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  system_without_authority
}
guard_registry_authority() {
  if [ $# -eq 1 ]; then
    if authority_found=$(certs_authorities "$1"); then return 0; fi
    refuse_because E_REGISTRY_CA "$authority_found" "name it as registry.external.ca, or move it away"
  fi
  if folder_others "$TRUST_CERTS/$1" ca.crt ca.crt.new; then
    refuse_because E_REGISTRY_CA "the engine takes for $1 what Sealift did not put there:$others_found" "see whose it is, then move it away"
  fi
  authority_file=$TRUST_CERTS/$1/ca.crt
  authority_name=${1%:*}
  shift
  if [ "$1" = unknown ]; then return 0; fi
  for authority_one; do
    # What a person has named is as it is.
    case $authority_one in *:*) ;; *) continue ;; esac
    authority_at=${authority_one%%:*}
    authority_at=${authority_at#named,}
    if [ "$(ca_shape "${authority_one#*:}" "$authority_name" "$authority_at")" = other ]; then
      refuse_because E_REGISTRY_CA "the CA of the registry on $authority_at can vouch for something else than $authority_name and $authority_at" \
        "find out who has changed that host"
    fi
    if ! ca_read "${authority_one#*:}"; then
      refuse_because E_REGISTRY_CA "the CA of the registry on $authority_at is no certificate that programs can read" "find out who has changed that host"
    fi
    ca_follows "$authority_file" "$authority_name" "$authority_at" "$@"
  done
}
apply_registry_authority() {
  guard_registry_authority "$@"
  if [ "${2-}" = unknown ]; then
    echo "the registry has not made its CA yet; run pulumi up again"
    return 1
  fi
  authority_folder=$TRUST_CERTS/$1
  shift
  for authority_one; do
    if ! ca_read "${authority_one#*:}"; then
      echo "what is to be trusted is no certificate"
      return 1
    fi
  done
  if [ $# -gt 0 ]; then
    trust_folder "$authority_folder" || return 1
    file_put "$authority_folder/ca.crt" "$(authority_pem "$@")"
  fi
  if system_without_authority >/dev/null; then return 0; fi
  # update-ca-certificates leaves its links to what is gone.
  rm -f "$TRUST_STORE"/sealift-registry-*.crt "${TRUST_BUNDLE%/*}"/sealift-registry-*.pem
  timeout 600 update-ca-certificates >/dev/null
}

# trust_folder FOLDER: makes a folder of certs.d root's alone; says what is above it when that is not.
trust_folder() {
  install -d -o root -g root -m 0755 "$TRUST_CERTS" "$1"
  if path_is_safe "$1"; then return 0; fi
  echo "$path_wrong"
  return 1
}

# certs_authorities NAME:PORT: fails, with what there is, when the engine has CAs of its own for the registry. Logins are left alone.
certs_authorities() {
  for certs_one in "$TRUST_CERTS/$1"/*.crt; do
    if [ ! -e "$certs_one" ] && [ ! -L "$certs_one" ]; then continue; fi
    echo "the engine trusts a CA for $1 that the site does not name: $certs_one"
    return 1
  done
}

# system_without_authority: fails, with what there is, when the system trusts a CA of a registry's.
system_without_authority() {
  for authority_one in "$TRUST_STORE"/sealift-registry-*.crt; do
    if [ ! -e "$authority_one" ]; then continue; fi
    echo "the system trusts a CA of the registry: $authority_one"
    return 1
  done
}

# authority_changed FILE WORD...: says what is in the file instead, so that nobody lets a registry show another CA unseen.
authority_changed() {
  changed_file=$1
  shift
  changed_found=$(authority_base64 "$changed_file" 2>/dev/null || true)
  if ! ca_read "$changed_found"; then
    echo "$changed_file is absent or another"
    return 0
  fi
  changed_shown=
  for changed_one; do changed_shown="$changed_shown, $(ca_sha256 "${changed_one#*:}")"; done
  case $changed_shown in
    *"$(ca_sha256 "$changed_found")"*) echo "$changed_file is absent or another: the registry has announced a next CA, or put an earlier one away" ;;
    *) echo "$changed_file is absent or another: this host has trusted the CA with sha256 $(ca_sha256 "$changed_found"), and the registry shows ${changed_shown#, } now" ;;
  esac
}
