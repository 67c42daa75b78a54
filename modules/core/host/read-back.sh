# login.sh runs this as root after a trial copy: prints the file $1 that the SSH user has just written.
echo "root reads $(timeout 60 head -c 99 ".sealift/$1")"
