# Runs in sh on the host as the SSH user, whose login shell (possibly zsh, fish, tcsh or rbash) only starts it. $1: the script for root's sh
# -c; the rest: its name and arguments. The login shell receives it as one line in single quotes (host-command.ts), so it must not contain a
# single quote, a backslash or an exclamation mark.
cd || exit
case $2 in launch | read-back) chmod -R go= .sealift ;; esac
[ "$(id -u)" = 0 ] || sudo="sudo -n"
exec ${sudo-} sh -c "$@" "${SSH_CONNECTION-}"
