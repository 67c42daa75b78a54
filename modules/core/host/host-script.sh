# login.sh runs this as root: starts the script $1 below /opt/sealift, which Sealift has placed there. The arguments follow; the last one is
# SSH_CONNECTION, which is not for the script.
u=$(id -u) || exit
[ "$u" = 0 ] || { echo "E_SUDO_ROOT uid $u"; exit 77; }
echo in
s=/opt/sealift/$1
[ -f "$s" ] || { echo "found: no $s"; exit 78; }
n=$#
while [ "$n" -gt 1 ]; do n=$((n - 1)); a=$1; shift; set -- "$@" "$a"; done
shift
shift
exec sh "$s" "$@"
