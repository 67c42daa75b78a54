#!/bin/sh
# Counts the processes that end on a machine, by the kernel's own record of each (acct(5)).
# usage: process-count.sh start|read FILE
set -eu

main() {
  case $1 in
    start)
      : >"$2"
      acct "$2"
      ;;
    read)
      acct ""
      names "$2"
      ;;
  esac
}

# acct FILE: has the kernel write there from now on; with "" nowhere. Perl is on every Debian, a program for it is not.
acct() {
  perl -MPOSIX -e '
    my ($machine) = (POSIX::uname())[4];
    my $number = $machine eq "x86_64" ? 163 : 89;
    my $file = shift;
    (syscall($number, $file eq "" ? 0 : $file) == 0) or die "acct: $!\n";
  ' "$1"
}

# names FILE: prints how many processes of each name the record has, a name a line: COUNT NAME. One of 64 bytes has its name in the last 16.
names() {
  perl -MPOSIX -e '
    local $/ = \64;
    open my $record, "<", shift or die;
    while (<$record>) { $count{unpack("Z16", substr($_, 48))}++ }
    print "$count{$_} $_\n" for sort keys %count;
  ' "$1"
}

main "$@"
