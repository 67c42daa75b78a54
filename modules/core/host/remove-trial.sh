# Runs in sh on the host as the SSH user: removes the file $1 of a trial copy, and the folder if it is empty.
cd || exit
rm -f ".sealift/$1"
rmdir .sealift 2>/dev/null
