# A host as a member of a swarm. A swarm is known by its root CA, which every member has, and by its name, which the managers have in a config
# object: the engine itself gives a swarm no name.

SWARM_IDENTITY=sealift-swarm
SWARM_PORT=2377
SWARM_GOSSIP_PORT=7946
# Written before a swarm is created, and removed when it has its name: cut in between, the next run goes on.
SWARM_CREATING=$SEALIFT_STATE/swarm-creating
# Written before the host joins, and removed when it has. Cut in between, its engine has the rest of an attempt: see swarm_is_rest.
SWARM_JOINING=$SEALIFT_STATE/swarm-joining
# In memory: a join token was given to other hosts, and has to be replaced when they have joined.
SWARM_INVITED=/run/sealift/swarm-invited
# Seconds that an engine may take to answer, which takes a long time without a leader, and to join.
SWARM_ANSWER_SEC=20
SWARM_JOIN_SEC=90

# swarm_inspect DATA_ROOT: sets swarm_state (inactive, pending, active, locked, error, or down while the engine does not answer), swarm_role
# (manager, worker or unknown), swarm_error and swarm_ca (sha256 of the root CA; empty without one).
swarm_inspect() {
  swarm_state=inactive
  swarm_role=worker
  swarm_error=
  swarm_ca=
  swarm_file=$1/swarm/certificates/swarm-root-ca.crt
  if [ -f "$swarm_file" ]; then
    swarm_ca=$(sha256sum <"$swarm_file")
    swarm_ca=${swarm_ca%% *}
    swarm_state=down
    swarm_role=unknown
  fi
  swarm_answer=$(timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" info --format \
    '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}} {{.Swarm.Error}}' 2>/dev/null) || return 0
  case $swarm_answer in
    "inactive "* | "pending "* | "active "* | "locked "* | "error "*) ;;
    *) return 0 ;;
  esac
  swarm_state=${swarm_answer%% *}
  swarm_error=${swarm_answer#* }
  case $swarm_error in true*) swarm_role=manager ;; *) swarm_role=worker ;; esac
  swarm_error=$(one_line "${swarm_error#* }")
  # An engine that has left keeps no certificate.
  if [ "$swarm_state" = inactive ]; then swarm_ca=; fi
}

# swarm_name: prints the name of the swarm that this manager has; "-" without one, "?" when it cannot be read.
swarm_name() {
  # shellcheck disable=SC2016 # a template of Docker
  swarm_label=$(timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" config inspect --format '{{index .Spec.Labels "io.sealift.swarm"}}' \
    "$SWARM_IDENTITY" 2>&1) || case $swarm_label in
    *"no such config"* | *"not found"*)
      if [ -f "$SWARM_CREATING" ]; then swarm_label=$(head -c 64 "$SWARM_CREATING"); else swarm_label=-; fi
      ;;
    *) swarm_label="?" ;;
  esac
  case $swarm_label in
    - | "?") ;;
    "" | *[!a-z0-9-]*) swarm_label="?" ;;
  esac
  echo "$swarm_label"
}

# swarm_is_rest: whether what the engine has is only what an interrupted attempt of Sealift to join has left: an attempt that goes on or has
# failed, or a swarm of this host alone, which an engine creates that starts between the request and its certificate (swarmkit,
# node.loadSecurityConfig: no address of a manager is on the disk). It has neither a name nor services.
swarm_is_rest() {
  if [ ! -f "$SWARM_JOINING" ]; then return 1; fi
  case $swarm_state,$swarm_role in
    pending,* | error,*) return 0 ;;
    active,manager) ;;
    *) return 1 ;;
  esac
  [ "$(swarm_name)" = - ] || return 1
  swarm_alone=$(timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" node ls --quiet 2>&1 && timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" service ls --quiet 2>&1) || return 1
  case $swarm_alone in "" | *"$SEALIFT_LINE_END"*) return 1 ;; esac
}

# swarm_drop_rest: lets the engine forget it.
swarm_drop_rest() {
  if swarm_output=$(timeout "$SWARM_JOIN_SEC" "$SEALIFT_DOCKER" swarm leave --force 2>&1); then return 0; fi
  echo "the host does not leave what is left of an interrupted attempt to join: $swarm_output"
  return 1
}

# Fact: the host reports which swarm it is a member of. $1 data root
check_swarm_state() { :; }
value_swarm_state() {
  swarm_inspect "$1"
  if [ "$swarm_state" = active ] && swarm_is_rest; then
    echo "inactive worker - ?"
    return 0
  fi
  swarm_of="?"
  if [ "$swarm_role" = manager ]; then swarm_of=$(swarm_name); fi
  echo "$swarm_state $swarm_role ${swarm_ca:--} $swarm_of"
}
apply_swarm_state() { :; }

# swarm_unusable: prints why this host can neither create nor join a swarm as it is; nothing when it can.
swarm_unusable() {
  case $swarm_state in
    inactive) return 0 ;;
    down) echo "has files of a swarm, and its engine does not answer" ;;
    locked) echo "is a locked manager of a swarm" ;;
    pending) echo "is joining a swarm already" ;;
    error) echo "cannot take part in its swarm: $swarm_error" ;;
    *) echo "is a member of another swarm (CA sha256 $(printf '%.12s' "$swarm_ca"))" ;;
  esac
}

# swarm_refuse_member [CA]: refuses a host that can take no part as it is. Only a manager of the swarm with this CA, or of whichever, is to be unlocked.
swarm_refuse_member() {
  if [ "$swarm_state" = locked ] && [ "$swarm_ca" = "${1:-$swarm_ca}" ]; then
    refuse E_SWARM_LOCKED "the host $(swarm_unusable): its keys are encrypted, and its engine was restarted" "$SWARM_UNLOCKS"
    return 1
  fi
  swarm_remedy="if it does not need that swarm any more, run docker swarm leave --force on it, then pulumi up"
  # It gives up when it finds its address on no card at its start (moby, nodeRunner.handleNodeExit).
  if [ "$swarm_state" = error ]; then swarm_remedy="restart its engine; $swarm_remedy"; fi
  refuse E_SWARM_MEMBER "the host $(swarm_unusable)" "$swarm_remedy"
}

# Fact: this host manages the swarm of this name, which it has created.
# $1 data root, $2 name, $3 own IPv4 address, $4 address pool in CIDR notation, $5 prefix length of each network, $6 UDP port of its traffic,
# $7 validity of certificates such as 8760h
check_swarm_created() {
  swarm_inspect "$1"
  if [ "$swarm_state" != active ] || [ "$swarm_role" != manager ]; then
    swarm_found=$(swarm_unusable)
    echo "the host ${swarm_found:-is a member of no swarm}"
    return 1
  fi
  swarm_found=$(swarm_name)
  if [ -f "$SWARM_CREATING" ]; then swarm_found=-; fi
  case $swarm_found in
    # Without a quorum it cannot be read, which is a fact of its own.
    "$2" | "?") return 0 ;;
    -) echo "the swarm of the host has no name" ;;
    *) echo "the swarm of the host has the name $swarm_found" ;;
  esac
  return 1
}
guard_swarm_created() {
  swarm_inspect "$1"
  # The phase before this one starts the engine; then its swarm is looked at again.
  if [ "$swarm_state" = down ]; then return 0; fi
  if [ "$swarm_state" = active ] && [ "$swarm_role" = manager ]; then
    case $(swarm_name) in
      "$2" | "?") return 0 ;;
      -)
        refuse E_SWARM_MEMBER "the host manages a swarm that Sealift has not created" \
          "if it is to be the swarm of the site: echo $2 | docker config create --label io.sealift.swarm=$2 $SWARM_IDENTITY -; otherwise docker swarm leave --force"
        return 1
        ;;
    esac
  fi
  swarm_found=$(swarm_unusable)
  if [ -n "$swarm_found" ]; then swarm_refuse_member; fi
}
# What its other members compare their own with.
value_swarm_created() {
  swarm_inspect "$1"
  echo "$swarm_ca"
}
apply_swarm_created() {
  guard_swarm_created "$@"
  if [ "$swarm_state" = down ]; then
    echo "the host $(swarm_unusable)"
    return 1
  fi
  if [ "$swarm_state" = inactive ]; then
    printf '%s\n' "$2" >"$SWARM_CREATING"
    on_disk "$SEALIFT_STATE"
    # What it prints contains a join token.
    if ! swarm_output=$(timeout "$SWARM_JOIN_SEC" "$SEALIFT_DOCKER" swarm init --advertise-addr "$3" --listen-addr "$3:$SWARM_PORT" \
      --default-addr-pool "$4" --default-addr-pool-mask-length "$5" --data-path-port "$6" --cert-expiry "$7" 2>&1 >/dev/null); then
      echo "the engine did not create the swarm: $swarm_output"
      return 1
    fi
  fi
  if ! swarm_output=$(printf '%s\n' "$2" | timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" config create --label "io.sealift.swarm=$2" \
    "$SWARM_IDENTITY" - 2>&1); then
    case $swarm_output in
      *AlreadyExists* | *"already exists"*) ;;
      *)
        echo "the swarm did not take its name: $swarm_output"
        return 1
        ;;
    esac
  fi
  # The certificate with which this node has created the swarm is valid for 90 days, whatever was asked for (swarmkit,
  # DefaultNodeCertExpiration), and renewed after half of them. A new CA gives it another one; nobody else has joined yet.
  if [ -f "$SWARM_CREATING" ] && ! swarm_output=$(timeout "$SWARM_JOIN_SEC" "$SEALIFT_DOCKER" swarm ca --rotate --quiet --cert-expiry "$7" 2>&1 >/dev/null); then
    echo "the swarm did not give its first node a certificate that is valid for $7: $swarm_output"
    return 1
  fi
  on_disk "$1"
  rm -f "$SWARM_CREATING"
}

# Fact: every member of the site has joined the swarm, or has been invited by this manager in this run.
# $1 to $n IPv4 addresses of all members
check_swarm_invitation() {
  if [ -f "$SWARM_INVITED" ]; then return 0; fi
  if ! swarm_nodes=$(swarm_addresses); then
    case $swarm_nodes in
      *"No such file"* | *"not a swarm manager"* | *"Cannot connect"*) echo "the host manages no swarm yet" ;;
      *) echo "the nodes of the swarm cannot be listed: $swarm_nodes" ;;
    esac
    return 1
  fi
  for swarm_one; do
    case " $swarm_nodes " in
      *" ready/$swarm_one "*) ;;
      *"/$swarm_one "*)
        # Back in a moment, or switched off; a host that was installed again has nothing there.
        if swarm_refuses "$swarm_one"; then
          echo "the node with the address $swarm_one is down, and its host has no member of a swarm"
          return 1
        fi
        ;;
      *)
        echo "no node of the swarm has the address $swarm_one"
        return 1
        ;;
    esac
  done
}
# swarm_refuses ADDRESS: true when the host there is up and refuses connections to the port at which every member listens.
swarm_refuses() {
  # shellcheck disable=SC2016 # perl
  timeout 5 perl -MIO::Socket::INET -MErrno=ECONNREFUSED -e '
    IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 3) and exit 1;
    exit($! == ECONNREFUSED ? 0 : 1)' "$1" "$SWARM_GOSSIP_PORT" 2>/dev/null
}
apply_swarm_invitation() {
  install -d -m 0700 "${SWARM_INVITED%/*}"
  : >"$SWARM_INVITED"
}
# The token that makes a host a worker, while hosts are to join.
value_swarm_invitation() {
  if [ -f "$SWARM_INVITED" ]; then timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" swarm join-token --quiet worker 2>/dev/null; fi
}

# swarm_addresses: prints state and address of all nodes on one line: "ready/10.50.0.1 down/10.50.0.2". A manager's own may be 0.0.0.0 there, and
# stands with its port in the status of managers.
swarm_addresses() {
  swarm_ids=$(timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" node ls --quiet 2>&1) || {
    echo "$swarm_ids"
    return 1
  }
  # shellcheck disable=SC2086,SC2016 # IDs, one word each; a template of Docker
  timeout "$SWARM_ANSWER_SEC" "$SEALIFT_DOCKER" node inspect --format \
    '{{.Status.State}}/{{if .ManagerStatus}}{{.ManagerStatus.Addr}}{{else}}{{.Status.Addr}}{{end}}' $swarm_ids |
    sed 's/:[0-9]*$//' | tr '\n' ' '
}

# Fact: the host is a member of the swarm with this CA.
# $1 data root, $2 name of the swarm, $3 own IPv4 address, $4 sha256 of the CA, or unknown before the swarm exists, $5 join token, or unknown,
# $6 to $n addresses of managers
check_swarm_joined() {
  swarm_inspect "$1"
  if [ "$swarm_state" = active ] && [ "$swarm_ca" = "$4" ]; then
    if [ ! -e "$SWARM_JOINING" ]; then return 0; fi
    echo "the host has joined in a run that was interrupted"
    return 1
  fi
  if swarm_is_rest; then
    echo "an attempt of the host to join was interrupted"
    return 1
  fi
  if [ "$swarm_ca" = "$4" ] && [ "$swarm_state" != inactive ]; then
    echo "the host $(swarm_unusable)"
  else
    swarm_found=$(swarm_unusable)
    echo "the host ${swarm_found:-is a member of no swarm}"
  fi
  return 1
}
guard_swarm_joined() {
  swarm_inspect "$1"
  if [ "$swarm_state" = inactive ]; then return 0; fi
  # What is on its way may arrive, and the phase before this one starts an engine that is down.
  if [ "$swarm_ca" = "$4" ]; then case $swarm_state in active | pending | down) return 0 ;; esac fi
  if swarm_is_rest; then return 0; fi
  swarm_refuse_member "$4"
}
apply_swarm_joined() {
  guard_swarm_joined "$@"
  # What is on its way to this swarm may arrive.
  if [ "$swarm_ca" = "$4" ]; then swarm_wait_joined "$@" || true; fi
  if swarm_is_rest && [ "$swarm_state,$swarm_ca" != "active,$4" ]; then
    if [ "$5" != unknown ]; then swarm_drop_rest || return 1; fi
    swarm_state=inactive
  fi
  if [ "$swarm_state" = inactive ]; then
    if [ "$5" = unknown ]; then
      echo "no manager has invited the host: run pulumi up for all hosts of the swarm"
      return 1
    fi
    : >"$SWARM_JOINING"
    on_disk "$SEALIFT_STATE"
    swarm_join "$3" "$5" "$6" || return 1
    swarm_wait_joined "$@" || true
  fi
  on_disk "$1"
  if [ "$swarm_state,$swarm_ca" = "active,$4" ]; then rm -f "$SWARM_JOINING"; fi
}

# swarm_wait_joined: with the arguments of check_swarm_joined: waits until the host is an active member of the swarm.
swarm_wait_joined() {
  swarm_tries=0
  swarm_inspect "$1"
  until [ "$swarm_state,$swarm_ca" = "active,$4" ]; do
    swarm_tries=$((swarm_tries + 1))
    if [ "$swarm_tries" -gt "$SWARM_JOIN_SEC" ]; then return 1; fi
    sleep 1
    swarm_inspect "$1"
  done
}

# swarm_join ADDRESS TOKEN MANAGER: joins over the engine's socket: as an argument of docker, the token would be in the list of processes. The
# engine goes on by itself when its own time of 20 seconds is over (moby daemon/cluster/swarm.go, 29.7.2).
swarm_join() {
  swarm_body="{\"ListenAddr\":\"$1:$SWARM_PORT\",\"AdvertiseAddr\":\"$1\",\"RemoteAddrs\":[\"$3:$SWARM_PORT\"],\"JoinToken\":\"$2\"}"
  case $2$1$3 in
    *[!A-Za-z0-9.-]*)
      echo "the invitation is none"
      return 1
      ;;
  esac
  # shellcheck disable=SC2016 # perl
  swarm_output=$(printf '%s' "$swarm_body" | timeout "$SWARM_JOIN_SEC" perl -MIO::Socket::UNIX -e '
    my $engine = IO::Socket::UNIX->new(Peer => "/run/docker.sock") or die "the engine does not answer: $!\n";
    local $/; my $body = <STDIN>;
    print $engine "POST /swarm/join HTTP/1.0\r\nHost: engine\r\nContent-Type: application/json\r\nContent-Length: ", length $body, "\r\n\r\n", $body;
    my $answer = substr <$engine>, 0, 4096;
    exit 0 if $answer =~ m{^HTTP/1\.[01] 200 };
    exit 0 if $answer =~ /will continue in the background/;
    $answer =~ s/^.*?\r\n\r\n//s;
    print $answer; exit 1' 2>&1) && return 0
  # The answer of the engine quotes no token.
  echo "the host did not join: $(printf '%s' "$swarm_output" | sed "s/SWMTKN-[A-Za-z0-9-]*/***/g" | head -c 300)"
  return 1
}
