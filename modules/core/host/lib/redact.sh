# Command lines of other software: they may contain passwords, and findings are printed, stored by Pulumi and signed in receipts. Words that
# cannot be secret are shown, all others become three dots.

# redact_words LINE: prints what may be shown of a command line or of a rule of sudoers(5): paths, names of options, addresses to listen on,
# and keywords of sudo.
redact_words() {
  found_rest=$1
  found_shown=
  set -f
  for found_word in $found_rest; do
    found_comma=
    case $found_word in *,) found_comma=, found_word=${found_word%,} ;; esac
    case $found_word in
      # sudoers(5): ALL, NOPASSWD:, (root : ALL).
      ALL | : | "("[A-Za-z]*")" | "("[A-Za-z]* | [A-Za-z]*")" | [A-Z]*:) redact_plain "$found_word" || found_word=... ;;
      fd://* | unix://* | tcp://* | /*) redact_path "$found_word" || found_word=... ;;
      --*=*) redact_path "${found_word#*=}" || found_word=${found_word%%=*}=... ;;
      --* | -?) ;;
      # A value may follow the letter of an option.
      -*) found_word=${found_word%"${found_word#-?}"}... ;;
      *) found_word=... ;;
    esac
    # The name of an option may contain anything, too.
    case $found_word in --*) redact_plain "${found_word%%=*}" || found_word=... ;; esac
    case $found_shown in *" ...") if [ "$found_word$found_comma" = ... ]; then continue; fi ;; esac
    found_shown="$found_shown $found_word$found_comma"
  done
  set +f
  echo "${found_shown# }"
}

# redact_path WORD: whether it is an address to listen on or a path of a host; a token may begin with a slash, too.
redact_path() {
  case $1 in
    fd://* | unix://* | tcp://*) ;;
    /bin/* | /data/* | /dev/* | /docker/* | /etc/* | /home/* | /lib*/* | /mnt/* | /opt/* | /run/* | /sbin/* | /srv/* | /tmp/* | /usr/* | /var/*) ;;
    *) return 1 ;;
  esac
  redact_plain "$1"
}

# redact_plain WORD: whether it is short and has only characters of paths, addresses and option names.
redact_plain() {
  if [ "${#1}" -gt 200 ]; then return 1; fi
  case $1 in
    *[!A-Za-z0-9/._:=\(\)\[\]-]*) return 1 ;;
  esac
}

# redact_contents FOLDER: copies its input, with three stars for what a file in FOLDER has as its only line. The text of such a file is on no
# command line. Fewer than six characters are left: they are in many words, and the stars would say more than they hide.
redact_contents() {
  redact_folder=$1
  set --
  # awk may end at a folder, and at a pipe it would wait; a container engine makes a folder where it misses a file.
  for redact_file in "$redact_folder"/*; do
    if [ -f "$redact_file" ]; then set -- "$@" "$redact_file"; fi
  done
  LC_ALL=C awk "$(redact_program)" "$@"
}

# redact_program: prints the program of awk for it; scripts that work without Sealift have it as well. Its arguments are files with secrets. With
# `-v lines=yes` each line of such a file is a secret, and not only the one line of a file that has no other.
redact_program() {
  cat <<'END'
BEGIN {
  for (i = 1; i < ARGC; i++) {
    read = 0
    while ((getline line < ARGV[i]) > 0) {
      if (lines != "") { add(line); continue }
      if (line != "") { read++; text = line }
    }
    close(ARGV[i])
    ARGV[i] = ""
    if (lines == "" && read == 1) add(text)
  }
}
{
  rest = $0
  for (i = 1; i <= count; i++) {
    shown = ""
    while ((at = index(rest, words[i])) > 0) {
      shown = shown substr(rest, 1, at - 1) "***"
      rest = substr(rest, at + length(words[i]))
    }
    rest = shown rest
  }
  print rest
}
# The longest first: one may be the beginning of another.
function add(word,  at) {
  sub(/\r$/, "", word)
  if (length(word) < 6) return
  for (at = ++count; at > 1 && length(words[at - 1]) < length(word); at--) words[at] = words[at - 1]
  words[at] = word
}
END
}
