# What sshd would let a user in by, in its own words: `sshd -T -C` says what its configuration comes to for this user, from where this run
# comes (sshd(8), sshd_config(5); OpenSSH 8.9 to 10).

# sshd_look USER HOME: sets, with one process,
#   sshd_files   the files whose keys let the user in, a blank before each
#   sshd_others  what lets in beside keys in files, in words; empty when nothing does
# Fails when sshd does not say, with its last words in sshd_said.
sshd_look() {
  ssh_client
  if ! sshd_said=$(timeout 20 sshd -T -C "user=$1,host=${ssh_from:-localhost},addr=${ssh_from:-127.0.0.1}" 2>&1); then
    sshd_said=${sshd_said##*"$SEALIFT_LINE_END"}
    return 1
  fi
  sshd_files=
  sshd_others=
  sshd_paths=
  # Split by the shell: a read takes a byte at a time.
  sshd_ifs=$IFS
  IFS=$SEALIFT_LINE_END
  set -f
  for sshd_line in $sshd_said; do
    case $sshd_line in
      *" none") ;;
      "authorizedkeysfile "*) sshd_paths=${sshd_line#* } ;;
      "authorizedkeyscommand "*) sshd_others="$sshd_others, keys that ${sshd_line#* } prints" ;;
      "trustedusercakeys "*) sshd_others="$sshd_others, certificates of the CAs in ${sshd_line#* }" ;;
      "authorizedprincipalsfile "*) sshd_others="$sshd_others, principals in ${sshd_line#* }" ;;
      "authorizedprincipalscommand "*) sshd_others="$sshd_others, principals that ${sshd_line#* } prints" ;;
      "pubkeyauthentication no") sshd_others="$sshd_others, no key at all (PubkeyAuthentication no)" ;;
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

# sshd_expand PATH USER HOME: sets sshd_path to what sshd makes of it: %h, %u, %U and %%, and below the home when it is relative.
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

# Fact: what lets people in is the same from wherever they come: no part of sshd's configuration that counts for some addresses alone
# names keys, certificates or commands of its own.
check_sshd_everywhere() {
  # A Match block goes on to the next one; "Match all" ends it.
  sshd_parts=$(awk '
    FNR == 1 { part = 0 }
    tolower($1) == "match" { part = tolower($0) ~ /[ \t](address|host|localaddress|localport|rdomain|exec)[ \t=]/; line = $0; next }
    part && tolower($1) ~ /^(authorizedkeysfile|authorizedkeyscommand|trustedusercakeys|authorizedprincipals(file|command))$/ {
      print FILENAME ": " line ": " $0
    }' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2>/dev/null || true)
  if [ -z "$sshd_parts" ]; then return 0; fi
  warn_that E_SSHD "who may log in depends on where they come from: ${sshd_parts%%"$SEALIFT_LINE_END"*}" \
    "take it out of sshd's configuration, or look at those keys by hand"
}
apply_sshd_everywhere() {
  echo "sshd's configuration is only ever looked at"
  return 1
}
