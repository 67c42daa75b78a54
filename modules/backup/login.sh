# The login of a host at a store. Host and store derive its password from the password of the repository, so that no second secret has to be
# carried; who has only the login cannot compute the password of the repository.

# backup_login HOST FILE: prints the password of the login HOST, derived from the password in FILE. Neither is ever an argument.
backup_login() {
  backup_login_hash=$({
    # A command substitution drops trailing line ends.
    printf 'sealift backup login\n%s\n' "$1"
    printf '%s\n' "$(cat "$2")"
  } | sha256sum)
  echo "${backup_login_hash%% *}"
}
