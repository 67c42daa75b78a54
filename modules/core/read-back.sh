# What login.sh has root run after a trial copy: prints the file $1 that the login has just written.
echo "root reads $(timeout 60 head -c 99 ".sealift/$1")"
