# login.sh runs this as root for a Command. $1 is the sha256 of the library, $2 SSH_CONNECTION, standard input a plan. Root copies the
# library to where nobody else can change it and runs it only if its sha256 is the planned one; otherwise root removes it and leaves
# the folder that check_delivered reads, so that the next run copies it again. Short, because the state contains it twice per phase.
l=/run/sealift/library/$1.sh
umask 077
install -d -m 700 "${l%/*}"
timeout 60 head -c 9999999 ".sealift/$1.sh" >"$l.$$"
echo "$1  $l.$$" | sha256sum -c --status || { rm -rf "$l.$$" ".sealift/$1.sh"; mkdir -p "$l.missed"; echo "E_LIBRARY_CHECKSUM run pulumi up again"; exit 66; }
mv "$l.$$" "$l"
exec sh "$l" apply "$2"
