/** Checks of another engine on the host, and of the network. */
import { adoption } from "./adoption.ts";
import type { Check } from "./check.ts";

export const networkChecks = {
  engine: {
    group: "engine",
    level: "fail",
    error: "E_UNMANAGED_ENGINE",
    examines:
      "packages, snaps, units, daemons that run from another path, a docker-proxy that the engine would find first",
    fix: "to keep its containers, follow docs/guide/adopt-a-docker-host.md; otherwise remove each item as shown, then run pulumi up again",
  },
  data: {
    group: "engine",
    level: "warn",
    error: "E_DATA_ROOT",
    examines:
      "/var/lib/docker, the data-root of an existing daemon.json, and that of the snap: containers, volumes and images outside the site's data-root",
    fix: "adopt them as described in docs/guide/adopt-a-docker-host.md, or remove them",
    describe: adoption,
  },
  units: {
    group: "engine",
    level: "fail",
    error: "E_UNMANAGED_UNIT",
    examines:
      "drop-ins of containerd.service, docker.service and docker.socket that Sealift did not write, and variables that systemd sets for every service (DefaultEnvironment=)",
    fix: "find out who owns them, remove them, then run systemctl daemon-reload (for variables: systemctl unset-environment); set a proxy for the engine by daemon.proxies in the site",
  },
  masked: {
    group: "engine",
    level: "fail",
    error: "E_UNMANAGED_UNIT",
    examines:
      "containerd.service, docker.service and docker.socket in /etc/systemd/system: a link to /dev/null or an empty file masks them",
    fix: "find out why it was masked, then run systemctl unmask with its name",
  },
  daemon: {
    group: "engine",
    level: "fail",
    error: "E_DAEMON_NEEDS",
    examines:
      "what daemon.json refers to: the bridge, the user of userns-remap with its subordinate ids, files, the program of default-runtime, IP forwarding for nftables, SELinux",
    fix: "create it on the host, or remove the key from daemon in the site file: the engine would not start",
  },
  ports: {
    group: "network",
    level: "warn",
    error: "E_PORT",
    examines: "/proc/net/tcp and tcp6: no process listens on 2375 or 2376",
    fix: "stop the process that listens there: an engine on TCP gives root access to everybody who can reach it",
  },
  mtu: {
    group: "network",
    level: "warn",
    error: "E_MTU",
    examines:
      "MTU of the interfaces of the default routes, IPv4 and IPv6 (without a default route: of all interfaces with a route), against daemon.mtu, by default 1500",
    fix: "set daemon.mtu to the MTU of the interface; otherwise large packets never reach containers",
  },
  pools: {
    group: "network",
    level: "fail",
    error: "E_ADDRESS_POOL",
    examines: "daemon.default-address-pools and daemon.bip against the routes of all tables",
    fix: "choose pools in the site file that do not overlap a network of the site",
  },
  "pools-builtin": {
    group: "network",
    level: "warn",
    error: "E_ADDRESS_POOL",
    examines: "without daemon.default-address-pools: the engine's own pools against the same routes",
    fix: "set daemon.default-address-pools: the engine avoids the routes it sees, but uses the same networks while a route is down",
  },
  "swarm-pools": {
    group: "network",
    level: "fail",
    error: "E_SWARM_POOL",
    examines:
      "members of a swarm: swarm.addressPool and swarm.ingress.subnet against the routes of all tables and the addresses of all interfaces",
    fix: "choose other networks for the swarm in the site file: they cannot be changed once it exists",
  },
  "ssh-path": {
    group: "network",
    level: "fail",
    error: "E_ADDRESS_POOL",
    examines:
      "the client address of this ssh session, if only the default route leads to it, against all pools",
    fix: "set daemon.default-address-pools to networks that the site does not use; otherwise you lose access to this host",
  },
  resolver: {
    group: "network",
    level: "warn",
    error: "E_RESOLVER",
    examines:
      "without daemon.dns: resolv.conf (with systemd-resolved: its own list) has a name server that is neither the host itself (loopback, 0.0.0.0) nor link-local (fe80::…, with or without a zone)",
    fix: "set daemon.dns to the site's name servers; otherwise containers query public ones that they cannot reach",
  },
  firewall: {
    group: "network",
    level: "warn",
    error: "E_FIREWALL",
    examines: "ufw enabled, firewalld running, nftables.service enabled",
    fix: "disable it, or put rules for containers into the DOCKER-USER chain: published ports bypass this firewall, and a reload of it removes the engine's rules",
  },
} as const satisfies Record<string, Check>;
