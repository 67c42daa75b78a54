# The login of the writer. Its password is generated on this host and stays here.

# Fact: the writer's password was generated on this host; the registry has only its hash.
check_registry_credential() {
  credential_found=$(stat -c '%U %G %a' "$REGISTRY_ETC/netrc" "$REGISTRY_ETC/htpasswd" 2>/dev/null || true)
  if [ "$credential_found" != "root root 600${SEALIFT_LINE_END}root $REGISTRY_USER 640" ]; then
    echo "netrc or htpasswd in $REGISTRY_ETC is missing, or has the wrong owner or mode"
    return 1
  fi
  if ! credential_fits; then
    echo "htpasswd does not match the password in netrc"
    return 1
  fi
}
# $1 DNS name
apply_registry_credential() {
  install -d -m 0755 "$REGISTRY_ETC"
  (
    umask 077
    if [ ! -s "$REGISTRY_ETC/netrc" ]; then
      printf 'machine %s login sealift password %s\n' "$1" "$(openssl rand -hex 32)" >"$REGISTRY_ETC/netrc.new"
      mv "$REGISTRY_ETC/netrc.new" "$REGISTRY_ETC/netrc"
    fi
    # bcrypt is computed for every request (distribution#3017); for 256 random bits, cost 5 is enough.
    credential_salt=$(openssl rand -base64 48 | tr -dc 'A-Za-z0-9' | cut -c 1-21)
    credential_password |
      perl -e 'chomp(my $p = <STDIN>); print "sealift:", crypt($p, $ARGV[0]), "\n"' "\$2y\$05\$${credential_salt}u" >"$REGISTRY_ETC/htpasswd.new"
  )
  chown root:root "$REGISTRY_ETC/netrc"
  chmod 0600 "$REGISTRY_ETC/netrc"
  chown "root:$REGISTRY_USER" "$REGISTRY_ETC/htpasswd.new"
  chmod 0640 "$REGISTRY_ETC/htpasswd.new"
  mv "$REGISTRY_ETC/htpasswd.new" "$REGISTRY_ETC/htpasswd"
}
# The password, on a pipe: it is never an argument.
credential_password() { sed 's/.* password //' "$REGISTRY_ETC/netrc"; }
credential_fits() {
  {
    credential_password
    sed 's/^sealift://' "$REGISTRY_ETC/htpasswd"
  } | perl -e 'chomp(my ($p, $hash) = (<STDIN>)[0, 1]); exit(length($hash) == 60 && crypt($p, $hash) eq $hash ? 0 : 1)'
}
