# Whether packets of a swarm reach its members, proven by packets, before any of them joins.

# Fact: this host can take part in the probe of the paths, which value_swarm_paths makes.
check_swarm_paths() {
  if command -v perl >/dev/null; then return 0; fi
  echo "perl is absent"
  return 1
}

# Prints what this host hears of the other members of a swarm, while all of them run this at the same time: one line of words, which
# paths.ts parses. It ends when every peer has been heard and has confirmed it, and at the latest after SECONDS. perl-base is essential in
# Debian and Ubuntu.
# $1 nonce of the run, 32 hexadecimal digits; $2 SECONDS; $3 index of this host in the list; $4 data path port; $5 size of the largest IP
# packet of VXLAN; $6 the same for ESP, 0 if no network is encrypted; the rest: address/m for each manager, address/w for each worker
value_swarm_paths() {
  # The messages are datagrams of raw sockets: those get a copy of what the firewall lets in even if dockerd or the kernel has the port, and
  # ESP needs no support for it in the kernel. A message says what its sender has heard of the receiver, so that any open way confirms all.
  # shellcheck disable=SC2016 # variables of perl
  perl -e '
    use strict;
    use Socket;
    use POSIX ();
    use Fcntl;
    my ($nonce, $limit, $self, $data_port, $need, $need_esp, @list) = @ARGV;
    my $mark = "sealift-swarm-paths";
    $0 = $mark;
    $SIG{PIPE} = "IGNORE";
    alarm($limit + 10);
    my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());
    sub now { (POSIX::times())[0] / $ticks }
    sub fault { print "fault=$_[0]\n"; exit }
    my @peers = map { my ($address, $role) = split "/"; { at => inet_aton($address), manager => $role eq "m", c => 0, t => 0, u => 0, d => 0, e => 0, C => 0, T => 0, from => "-" } } @list;
    my $me = $peers[$self];

    # As /proc/net has it: little-endian.
    my $address = sprintf("%08X", unpack("V", $me->{at}));

    # Programs that have these ports, without probes like this one: "" is nobody.
    my %port = (c => ["tcp", 2377], t => ["tcp", 7946], u => ["udp", 7946], d => ["udp", $data_port]);
    sub holders {
      my (%inodes, %name);
      for my $test (keys %port) {
        my ($protocol, $number) = @{ $port{$test} };
        next if $test eq "c" && !$me->{manager};
        for my $table ($protocol, "${protocol}6") {
          open(my $lines, "<", "/proc/net/$table") or next;
          while (<$lines>) {
            my @field = split;
            next unless ($field[1] // "") =~ /:([0-9A-F]{4})$/ && hex($1) == $number;
            next if $protocol eq "tcp" && $field[3] ne "0A";
            # An engine listens on its own address; VXLAN takes the port of all.
            next unless $test eq "d" || $field[1] =~ /^(?:0{8}|0{32}|(?:0{20}FFFF0000)?$address):/;
            $inodes{ $field[9] } = $test;
          }
        }
      }
      my %open = %inodes;
      for my $process (%inodes ? glob("/proc/[0-9]*") : ()) {
        opendir(my $folder, "$process/fd") or next;
        for (readdir $folder) {
          next unless (readlink("$process/fd/$_") // "") =~ /^socket:\[(\d+)\]$/ && $inodes{$1};
          my $test = $inodes{$1};
          delete $open{$1};
          my $line = "";
          if (open(my $command, "<", "$process/cmdline")) { read($command, $line, 65536) }
          next if $line =~ /\Q$mark\E/ && (stat $process)[4] == 0;
          my $program = readlink("$process/exe") // "";
          $program =~ s/ \(deleted\)$//;
          $program =~ s/.*\///s;
          $program =~ s/[^A-Za-z0-9._+-]/_/g;
          $name{$test} = substr($program, 0, 40) || "unknown" unless ($name{$test} // "") eq "dockerd";
        }
      }
      return (\%name, \%open);
    }
    my ($held, $open) = holders();
    # A socket without a process is one of the kernel, or its process, such as the probe of another run, ended meanwhile.
    for (1 .. 3) {
      last unless %$open;
      select(undef, undef, undef, 0.2);
      ($held, $open) = holders();
    }
    $held->{$_} //= $_ eq "d" ? "kernel" : "unknown" for values %$open;
    # An overlay network of an engine that is in a swarm has the data path port in the kernel.
    $held->{d} = "dockerd" if ($held->{d} // "") eq "kernel" && ($held->{t} // "") eq "dockerd";

    # 0: to be heard; 2: dockerd has the port, a connection is the proof; 3: not asked.
    my %own = (c => $me->{manager} ? 0 : 3, t => 0);
    my %listener;
    for my $test (sort keys %port) {
      my ($protocol, $number) = @{ $port{$test} };
      next if $test eq "c" && !$me->{manager};
      if ($held->{$test}) {
        $own{$test} = $held->{$test} eq "dockerd" ? 2 : 3;
        next;
      }
      socket(my $socket, PF_INET, $protocol eq "tcp" ? SOCK_STREAM : SOCK_DGRAM, 0) or fault("socket");
      # Another run may probe the same swarm.
      setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1) if $protocol eq "tcp";
      setsockopt($socket, SOL_SOCKET, SO_REUSEPORT, 1);
      my $at = $test eq "d" ? INADDR_ANY : $me->{at};
      if (!bind($socket, sockaddr_in($number, $at)) || $protocol eq "tcp" && !listen($socket, 128)) {
        $held->{$test} = "unknown";
        $own{$test} = 3;
        next;
      }
      if ($protocol eq "tcp") { fcntl($socket, F_SETFL, O_NONBLOCK) }
      $listener{$test} = $socket;
    }

    sub raw {
      socket(my $socket, PF_INET, SOCK_RAW, $_[0]) or fault("raw");
      bind($socket, sockaddr_in(0, $me->{at})) or fault("address");
      # IP_MTU_DISCOVER, IP_PMTUDISC_PROBE: never a fragment, whatever the kernel remembers of the path (ip(7)).
      setsockopt($socket, 0, 10, pack("i", 3));
      # SO_ATTACH_FILTER: of all datagrams of a busy host only those that begin with "seal" behind 20 + 8 bytes of headers.
      my $code = pack("SCCL" x 4, 0x20, 0, 0, 28, 0x15, 0, 1, 0x7365616c, 6, 0, 0, 0xffffffff, 6, 0, 0, 0);
      setsockopt($socket, SOL_SOCKET, 26, pack("Sx![J]P", 4, $code));
      setsockopt($socket, SOL_SOCKET, SO_RCVBUF, 4194304);
      return $socket;
    }
    my $udp = raw(17);
    my $esp = $need_esp ? raw(50) : undef;
    # A port from which VXLAN sends; it differs from run to run.
    my $source = 49152 + hex(substr($nonce, 0, 4)) % 16384;

    sub message {
      my ($to) = @_;
      my $peer = $peers[$to];
      return "$mark $nonce $self $to " . join(" ", map { $own{$_} || $peer->{$_} } "c", "t") . " $peer->{u} $peer->{d} $peer->{e}\n";
    }
    # TEST of u, d, e; the packet has SIZE bytes, by default as few as possible.
    sub datagram {
      my ($to, $test, $size) = @_;
      my $peer = $peers[$to];
      my $text = message($to);
      $text .= "\0" x ($size - 28 - length $text) if $size && $size > 28 + length $text;
      my $head;
      if ($test eq "e") {
        $head = pack("NN", 256 + hex(substr($nonce, 0, 6)), 1);
      } else {
        my ($from, $at) = $test eq "u" ? (7946, 7946) : ($source, $data_port);
        my $length = 8 + length $text;
        my $sum = unpack("%32n*", $me->{at} . $peer->{at} . pack("nnnnnn", 17, $length, $from, $at, $length, 0) . $text . "\0" x ($length % 2));
        $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
        $head = pack("nnnn", $from, $at, $length, ~$sum & 0xffff || 0xffff);
      }
      send($test eq "e" ? $esp : $udp, $head . $text, MSG_DONTWAIT, sockaddr_in(0, $peer->{at}));
    }
    # What a peer sent, which may be anything; returns the peer if it is a message of this run.
    sub heard {
      my ($test, $text, $size, $from) = @_;
      my ($run, $by, $to, @said) = $text =~ /^$mark ([0-9a-f]{32}) (\d{1,3}) (\d{1,3}) ([0-3]) ([0-3]) ([01]) (\d{1,5}) (\d{1,5})\n\0*\z/ or return;
      return if $run ne $nonce || $to != $self || $by == $self || $by > $#peers;
      my $peer = $peers[$by];
      $peer->{from} = inet_ntoa($from) if defined $from && $from ne $peer->{at};
      $size = 1 unless $test eq "d" || $test eq "e";
      $peer->{$test} = $size if $size > $peer->{$test};
      my $said = $peer->{said} //= [0, 0, 0, 0, 0];
      for (0 .. 4) { $said->[$_] = $said[$_] if $said[$_] > $said->[$_] }
    }
    sub receive {
      my ($socket) = @_;
      for (1 .. 2000) {
        defined recv($socket, my $packet, 65535, MSG_DONTWAIT) or last;
        my $size = length $packet;
        next if $size < 28 || ord($packet) != 0x45;
        my $test = "e";
        if (ord(substr($packet, 9, 1)) == 17) {
          my $at = unpack("n", substr($packet, 22, 2));
          $test = $at == 7946 ? "u" : $at == $data_port ? "d" : next;
        }
        heard($test, substr($packet, 28), $size, substr($packet, 12, 4));
      }
    }
    # Whether this peer has heard what is sent to it: an index of what it said, and the flag of a connection to it.
    sub arrives { my ($peer, $at, $flag) = @_; my $said = $peer->{said} ? $peer->{said}[$at] : 0; $said == 2 ? $peer->{$flag} : $said }
    sub finished {
      my ($peer) = @_;
      my $said = $peer->{said} or return 0;
      return 0 unless ($own{c} || $peer->{c}) && ($own{t} || $peer->{t}) && $peer->{u} && $peer->{d} >= $need && $peer->{e} >= $need_esp;
      return (!$peer->{manager} || arrives($peer, 0, "C")) && arrives($peer, 1, "T") && $said->[2] && $said->[3] >= $need && $said->[4] >= $need_esp;
    }

    my (%in, %out);
    sub try_connect {
      my ($to, $test) = @_;
      my $peer = $peers[$to];
      my $key = "$to $test";
      # With two runs at the same time, the listener of the other one may have accepted the connection.
      return if $out{$key} && now() - $out{$key}{since} < ($out{$key}{sent} ? 0.4 : 2);
      delete $out{$key};
      socket(my $socket, PF_INET, SOCK_STREAM, 0) or return;
      fcntl($socket, F_SETFL, O_NONBLOCK);
      connect($socket, sockaddr_in($test eq "c" ? 2377 : 7946, $peer->{at})) || $!{EINPROGRESS} or return;
      $out{$key} = { socket => $socket, since => now(), to => $to, test => $test };
    }
    # Serves all sockets until a point of time.
    sub serve {
      my ($end) = @_;
      while ((my $left = $end - now()) > 0) {
        my ($reads, $writes) = ("", "");
        vec($reads, fileno $_, 1) = 1 for $udp, $esp || (), values %listener, map { $_->{socket} } values %in;
        vec($writes, fileno $_->{socket}, 1) = 1 for grep { !$_->{sent} } values %out;
        select($reads, $writes, undef, $left) > 0 or next;
        for my $raw ($udp, $esp || ()) { receive($raw) if vec($reads, fileno $raw, 1) }
        for my $test (grep { $listener{$_} } "c", "t") {
          next unless vec($reads, fileno $listener{$test}, 1);
          while (accept(my $socket, $listener{$test})) {
            next if keys %in >= 200;
            fcntl($socket, F_SETFL, O_NONBLOCK);
            $in{ fileno $socket } = { socket => $socket, test => $test, since => now(), text => "" };
          }
        }
        # Datagram sockets only keep the port: what they get has been read from the raw socket.
        for my $test (grep { $listener{$_} } "u", "d") {
          next unless vec($reads, fileno $listener{$test}, 1);
          for (1 .. 2000) { defined recv($listener{$test}, my $packet, 1, MSG_DONTWAIT) or last }
        }
        for my $key (keys %in) {
          my $one = $in{$key};
          next unless vec($reads, $key, 1);
          # The peer closes first: otherwise the port of this host would stay in TIME_WAIT.
          my $got = sysread($one->{socket}, $one->{text}, 300, length $one->{text});
          next if $got && length $one->{text} < 300;
          heard($one->{test}, $one->{text}, 1);
          delete $in{$key};
        }
        for my $key (keys %out) {
          my $one = $out{$key};
          next if $one->{sent} || !vec($writes, fileno $one->{socket}, 1);
          if (unpack("i", getsockopt($one->{socket}, SOL_SOCKET, SO_ERROR)) != 0) { delete $out{$key}; next }
          my $peer = $peers[$one->{to}];
          $peer->{ uc $one->{test} } = 1;
          $one->{sent} = 1;
          # An engine would only complain about the message.
          my $listens = $peer->{said} && $peer->{said}[$one->{test} eq "c" ? 0 : 1] == 2;
          syswrite($one->{socket}, message($one->{to})) unless $listens;
          close($one->{socket});
        }
        for my $old (\%in, \%out) { for (keys %$old) { delete $old->{$_} if now() - $old->{$_}{since} > 3 } }
      }
    }

    my @sizes = grep { $_ > 0 } 576, 1000, 1200, 1280, 1340, 1360, 1370, 1380, 1390, 1392, 1400, 1410, 1412, 1420, 1430, 1436, 1440, 1446, 1450, 1454, 1458, 1460, 1464, 1468, 1472, 1476, 1480, 1484, 1488, 1492, 1496, 1500, 4000, 8000, 8900, 8950, 9000;
    my $start = now();
    my ($last, $tick) = (0, 0);
    while (now() - $start < $limit && $last < 3) {
      $last++ if !grep { $_ != $self && !finished($peers[$_]) } 0 .. $#peers;
      for my $to (grep { $_ != $self } 0 .. $#peers) {
        my $peer = $peers[$to];
        my $said = $peer->{said};
        datagram($to, "u");
        for my $way (["d", $need, 3], $esp ? ["e", $need_esp, 4] : ()) {
          my ($test, $size, $at) = @$way;
          my $carried = $said ? $said->[$at] : 0;
          datagram($to, $test);
          next if $carried >= $size;
          datagram($to, $test, $size);
          # It carries small packets only: how large may they be?
          next unless $carried && $tick % 4 == 3;
          datagram($to, $test, $_) for grep { $_ > $carried && $_ < $size } @sizes;
        }
        # A peer that was heard says whether it listens itself.
        next if !$said && $tick < 4;
        try_connect($to, "c") if $peer->{manager} && !arrives($peer, 0, "C");
        try_connect($to, "t") if !arrives($peer, 1, "T");
      }
      $tick++;
      serve(now() + 0.25);
    }
    print join(" ", sprintf("ran=%d", 1000 * (now() - $start)), (map { "port=$port{$_}[1]/$port{$_}[0]:$held->{$_}" } grep { $held->{$_} } sort keys %port),
      map { my $peer = $peers[$_]; "peer=$_:" . join(":", map { $peer->{$_} } "c", "t", "u", "d", "e", "C", "T", "from") } grep { $_ != $self } 0 .. $#peers), "\n";
  ' "$@"
}
