# The registry's CAs on its clients, for the engine and for downloads. They are not in the system's trust store, which would trust them for
# every connection of the host. An engine reads every .crt in the registry's folder as a CA, and every .cert and .key as a client certificate
# (moby registry/config, containerd docs/hosts.md).
# shellcheck disable=SC2154 # files.sh sets others_found, file_wrong and path_wrong; registry-download.sh sets TRUST_CERTS

TRUST_STORE=/usr/local/share/ca-certificates
TRUST_BUNDLE=/etc/ssl/certs/ca-certificates.crt

# Fact: the engine trusts the registry's present CAs, for this registry alone, in a file that only root can change; the system trusts none of
# them.
# $1 name:port, $2... each CA's certificate as base64 of its DER, behind the address of the registry host that has made it and a
# colon, and "named," before that when the site names its hash; the certificate alone when the site has it in a file; or "unknown" while its
# host has not made it, or "silent" and the names of its hosts that do not answer; none where the system's own CAs certify the registry
check_trusted_ca() {
  if [ "${2-}" = silent ]; then
    ca_unreported "$@"
    return
  fi
  if [ "${2-}" = unknown ]; then
    echo "the registry has not created its CA yet"
    return 1
  fi
  trusted_file=$TRUST_CERTS/$1/ca.crt
  if [ $# -eq 1 ]; then
    certs_other_cas "$1" && system_without_ca
    return
  fi
  if folder_others "$TRUST_CERTS/$1" ca.crt ca.crt.new; then
    echo "the engine uses CA or client certificate files for $1 that Sealift did not create:$others_found"
    return 1
  fi
  shift
  file_inspect "$trusted_file"
  if ! file_is "$trusted_file" "$(ca_pem "$@")"; then
    case $file_wrong in
      *" is absent" | *" is altered") ca_changed "$trusted_file" "$@" ;;
      *) echo "$file_wrong" ;;
    esac
    return 1
  fi
  if ! path_is_safe "${trusted_file%/*}"; then
    echo "$path_wrong"
    return 1
  fi
  system_without_ca
}
# ca_unreported NAME:PORT silent HOST...: a CA that is already trusted stays.
ca_unreported() {
  trusted_file=$TRUST_CERTS/$1/ca.crt
  shift 2
  if [ -f "$trusted_file" ] && path_is_safe "${trusted_file%/*}"; then
    warn E_REGISTRY_CA "$* does not answer, so it is not known whether the CA on this host is still current" \
      "bring it back, or remove it from registry.hosts"
    return
  fi
  echo "the CA of the registry is not known: $* does not answer"
  return 1
}
guard_trusted_ca() {
  if [ "${2-}" = silent ]; then return 0; fi
  if [ $# -eq 1 ]; then
    if trusted_found=$(certs_other_cas "$1"); then return 0; fi
    refuse E_REGISTRY_CA "$trusted_found" "name it as registry.external.ca, or move it to another directory"
  fi
  if folder_others "$TRUST_CERTS/$1" ca.crt ca.crt.new; then
    refuse E_REGISTRY_CA "the engine uses CA or client certificate files for $1 that Sealift did not create:$others_found" "find out where they come from, then move them to another directory"
  fi
  trusted_file=$TRUST_CERTS/$1/ca.crt
  trusted_name=${1%:*}
  shift
  if [ "$1" = unknown ]; then return 0; fi
  for trusted_one; do
    # CAs from a file of the site are not checked here.
    case $trusted_one in *:*) ;; *) continue ;; esac
    trusted_at=${trusted_one%%:*}
    trusted_at=${trusted_at#named,}
    if [ "$(ca_shape "${trusted_one#*:}" "$trusted_name" "$trusted_at")" = other ]; then
      refuse E_REGISTRY_CA "the CA of the registry on $trusted_at can sign for more than $trusted_name and $trusted_at" \
        "find out who changed that host"
    fi
    if ! ca_read "${trusted_one#*:}"; then
      refuse E_REGISTRY_CA "the CA of the registry on $trusted_at is not a readable certificate" "find out who changed that host"
    fi
    ca_follows "$trusted_file" "$trusted_name" "$trusted_at" "$@"
  done
}
apply_trusted_ca() {
  guard_trusted_ca "$@"
  if [ "${2-}" = unknown ]; then
    echo "no registry host reported a CA in this run: run pulumi up without --target and --exclude; if you did, find out why the registry phase of these hosts did not run"
    return 1
  fi
  if [ "${2-}" = silent ]; then
    shift 2
    echo "the CA of the registry is not known: $* does not answer; bring it back, or remove it from registry.hosts, then run pulumi up"
    return 1
  fi
  trusted_folder=$TRUST_CERTS/$1
  shift
  for trusted_one; do
    if ! ca_read "${trusted_one#*:}"; then
      echo "a CA of the registry is not a certificate"
      return 1
    fi
  done
  if [ $# -gt 0 ]; then
    trust_folder "$trusted_folder" || return 1
    file_put "$trusted_folder/ca.crt" "$(ca_pem "$@")"
  fi
  if system_without_ca >/dev/null; then return 0; fi
  # update-ca-certificates does not remove dangling links.
  rm -f "$TRUST_STORE"/sealift-registry-*.crt "${TRUST_BUNDLE%/*}"/sealift-registry-*.pem
  timeout 600 update-ca-certificates >/dev/null
}

# trust_folder FOLDER: makes a folder of certs.d writable by root only; prints which folder above it is not.
trust_folder() {
  install -d -o root -g root -m 0755 "$TRUST_CERTS" "$1"
  if path_is_safe "$1"; then return 0; fi
  echo "$path_wrong"
  return 1
}

# certs_other_cas NAME:PORT: fails with a finding if the engine has CAs of its own for the registry. Client certificates are ignored.
certs_other_cas() {
  for certs_one in "$TRUST_CERTS/$1"/*.crt; do
    if [ ! -e "$certs_one" ] && [ ! -L "$certs_one" ]; then continue; fi
    echo "the engine trusts a CA for $1 that the site does not name: $certs_one"
    return 1
  done
}

# system_without_ca: fails with a finding if the system trusts a CA of a registry.
system_without_ca() {
  for trusted_one in "$TRUST_STORE"/sealift-registry-*.crt; do
    if [ ! -e "$trusted_one" ]; then continue; fi
    echo "the system trusts a CA of the registry: $trusted_one"
    return 1
  done
}

# ca_changed FILE WORD...: prints what the file contains instead, so that a changed CA of a registry does not go unnoticed.
ca_changed() {
  changed_file=$1
  shift
  changed_found=$(ca_base64 "$changed_file" 2>/dev/null || true)
  if ! ca_read "$changed_found"; then
    echo "$changed_file is missing or differs"
    return 0
  fi
  changed_shown=
  for changed_one; do changed_shown="$changed_shown, $(ca_sha256 "${changed_one#*:}")"; done
  case $changed_shown in
    *"$(ca_sha256 "$changed_found")"*) echo "$changed_file is missing or differs: the registry announced a next CA, or retired an earlier one" ;;
    *) echo "$changed_file is missing or differs: this host trusted the CA with sha256 $(ca_sha256 "$changed_found"), but the registry now presents ${changed_shown#, }" ;;
  esac
}
