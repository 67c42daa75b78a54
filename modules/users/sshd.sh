# The ways in which sshd lets a user in. `sshd -T -C` prints the effective configuration for this user and the address of this run (sshd(8),
# sshd_config(5); OpenSSH 8.9 to 10).

# sshd_inspect USER HOME: sets, with one process:
#   sshd_files   files with authorized keys, each after a blank
#   sshd_others  other ways to log in, in words; empty if there are none
# Fails if sshd does not report its configuration, with the last line of its output in sshd_output.
sshd_inspect() {
  ssh_client
  if ! sshd_output=$(timeout 20 sshd -T -C "user=$1,host=${ssh_from:-localhost},addr=${ssh_from:-127.0.0.1}" 2>&1); then
    sshd_output=${sshd_output##*"$SEALIFT_LINE_END"}
    return 1
  fi
  sshd_files=
  sshd_others=
  sshd_paths=
  # Split by the shell: read reads byte by byte.
  sshd_ifs=$IFS
  IFS=$SEALIFT_LINE_END
  set -f
  for sshd_line in $sshd_output; do
    case $sshd_line in
      *" none") ;;
      "authorizedkeysfile "*) sshd_paths=${sshd_line#* } ;;
      "authorizedkeyscommand "*) sshd_others="$sshd_others, keys that ${sshd_line#* } prints" ;;
      "trustedusercakeys "*) sshd_others="$sshd_others, certificates of the CAs in ${sshd_line#* }" ;;
      "authorizedprincipalsfile "*) sshd_others="$sshd_others, principals in ${sshd_line#* }" ;;
      "authorizedprincipalscommand "*) sshd_others="$sshd_others, principals that ${sshd_line#* } prints" ;;
      "pubkeyauthentication no") sshd_others="$sshd_others, no keys at all (PubkeyAuthentication no)" ;;
      "hostbasedauthentication yes") sshd_others="$sshd_others, keys of other hosts (HostbasedAuthentication)" ;;
      "permitemptypasswords yes") sshd_others="$sshd_others, empty passwords" ;;
    esac
  done
  IFS=$sshd_ifs
  for sshd_path in $sshd_paths; do
    sshd_expand "$sshd_path" "$1" "$2"
    sshd_files="$sshd_files $sshd_path"
  done
  set +f
  sshd_others=${sshd_others#, }
}

# sshd_expand PATH USER HOME: sets sshd_path to PATH with the tokens %h, %u, %U and %% expanded as sshd does, below HOME if it is relative.
sshd_expand() {
  sshd_rest=$1
  sshd_path=
  while :; do
    case $sshd_rest in
      *%?*) ;;
      *) break ;;
    esac
    sshd_path=$sshd_path${sshd_rest%%%*}
    sshd_rest=${sshd_rest#*%}
    case $sshd_rest in
      h*) sshd_path=$sshd_path$3 ;;
      u*) sshd_path=$sshd_path$2 ;;
      U*) account /etc/passwd "$2" && sshd_path=$sshd_path$FIELD_3 ;;
      *) sshd_path=$sshd_path% ;;
    esac
    sshd_rest=${sshd_rest#?}
  done
  sshd_path=$sshd_path$sshd_rest
  case $sshd_path in /*) ;; *) sshd_path=$3/$sshd_path ;; esac
}

# Fact: authentication is the same for all client addresses: no Match block on an address sets keys, CAs or commands of its own.
check_sshd_everywhere() {
  # A Match block ends at the next one; "Match all" ends it.
  sshd_parts=$(awk '
    FNR == 1 { part = 0 }
    tolower($1) == "match" { part = tolower($0) ~ /[ \t](address|host|localaddress|localport|rdomain|exec)[ \t=]/; line = $0; next }
    part && tolower($1) ~ /^(authorizedkeysfile|authorizedkeyscommand|trustedusercakeys|authorizedprincipals(file|command))$/ {
      print FILENAME ": " line ": " $0
    }' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null || true)
  if [ -z "$sshd_parts" ]; then return 0; fi
  warn E_SSHD "login permissions depend on the client address: ${sshd_parts%%"$SEALIFT_LINE_END"*}" \
    "remove this from the sshd configuration, or check those keys manually"
}
apply_sshd_everywhere() {
  echo "the sshd configuration is only checked, never changed"
  return 1
}
