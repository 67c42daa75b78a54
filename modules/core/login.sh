# Runs on the host as the login, by sh: the login's own shell, which may be zsh, fish, tcsh or rbash, only starts it. $1: what root is to run by
# sh -c; the rest: its name and arguments. Shown to a shell as one line in single quotes (host-command.ts), so that it holds no single quote,
# no backslash and no exclamation mark.
cd || exit
case $2 in launch) chmod -R go= .sealift ;; esac
[ "$(id -u)" = 0 ] || sudo="sudo -n"
exec ${sudo-} sh -c "$@" "${SSH_CONNECTION-}"
