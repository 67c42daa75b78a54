# What login.sh has root run for a Command: the library's sha256 is $1, SSH_CONNECTION $2, a plan is on standard input. Root takes a copy that
# nobody else can change, and not one line of it runs before its bytes are the ones that this site was planned with; others go, so that the
# next run sends them anew. Short, because the state holds it four times a phase.
l=/run/sealift/library/$1.sh
umask 077
install -d -m 700 "${l%/*}"
timeout 60 head -c 9999999 ".sealift/$1.sh" >"$l.$$"
echo "$1  $l.$$" | sha256sum -c --status || { rm -rf "$l.$$" ".sealift/$1.sh"; echo "E_LIBRARY run pulumi up again"; exit 66; }
mv "$l.$$" "$l"
exec sh "$l" apply "$2"
