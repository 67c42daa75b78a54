/** What is on the host and around it already: another engine, the network. */
import { adoption } from "./adoption.ts";
import type { Check } from "./check.ts";

export const networkChecks = {
  engine: {
    group: "engine",
    level: "fail",
    error: "E_FOREIGN_ENGINE",
    looksAt:
      "packages, snap, units, daemons that run from elsewhere, docker-proxy where the engine would find it first",
    todo: "to keep its containers go by docs/guide/adopt-a-docker-host.md; otherwise remove each as named, then run again",
  },
  data: {
    group: "engine",
    level: "warn",
    error: "E_DATA_ROOT",
    looksAt:
      "/var/lib/docker, the data-root of a daemon.json that is there, and a snap's: containers, volumes and images that the site's data-root does not have",
    todo: "take them over as docs/guide/adopt-a-docker-host.md shows, or remove what nobody needs",
    said: adoption,
  },
  units: {
    group: "engine",
    level: "fail",
    error: "E_FOREIGN_UNIT",
    looksAt:
      "drop-ins of containerd.service, docker.service and docker.socket that Sealift did not write, and variables that systemd gives every service (DefaultEnvironment=)",
    todo: "see whose they are, remove them and run systemctl daemon-reload (systemctl unset-environment); a proxy of the engine is daemon.proxies of the site",
  },
  masked: {
    group: "engine",
    level: "fail",
    error: "E_FOREIGN_UNIT",
    looksAt:
      "containerd.service, docker.service and docker.socket in /etc/systemd/system: a link to /dev/null or an empty file masks them",
    todo: "find out why somebody has masked it, then run systemctl unmask with its name",
  },
  daemon: {
    group: "engine",
    level: "fail",
    error: "E_DAEMON_NEEDS",
    looksAt:
      "what daemon.json names: the bridge, the user of userns-remap with its subordinate ids, files, the program of default-runtime, IP forwarding for nftables, SELinux",
    todo: "make it on the host, or take the key out of daemon in the site file: the engine would not start",
  },
  ports: {
    group: "network",
    level: "warn",
    error: "E_PORT",
    looksAt: "/proc/net/tcp and tcp6: nobody listens on 2375 or 2376",
    todo: "stop what listens there: an engine on TCP hands root to whoever reaches it",
  },
  mtu: {
    group: "network",
    level: "warn",
    error: "E_MTU",
    looksAt:
      "MTU of the cards of the default routes, IPv4 and IPv6 (without one: of every card with a route), against daemon.mtu, by default 1500",
    todo: "set daemon.mtu to what the card carries, or large answers never arrive in containers",
  },
  pools: {
    group: "network",
    level: "fail",
    error: "E_ADDRESS_POOL",
    looksAt: "daemon.default-address-pools and daemon.bip against the routes of all tables",
    todo: "choose pools in the site file that no network of the site overlaps",
  },
  "pools-builtin": {
    group: "network",
    level: "warn",
    error: "E_ADDRESS_POOL",
    looksAt: "without daemon.default-address-pools: the engine's own pools against the same routes",
    todo: "set daemon.default-address-pools: the engine passes over routes that it sees, and takes them when they are down",
  },
  "ssh-path": {
    group: "network",
    level: "fail",
    error: "E_ADDRESS_POOL",
    looksAt:
      "the address that this ssh session comes from, when only the default route leads there, against all pools",
    todo: "set daemon.default-address-pools to networks that the site does not use, or you lose this host",
  },
  resolver: {
    group: "network",
    level: "warn",
    error: "E_RESOLVER",
    looksAt:
      "without daemon.dns: a name server in resolv.conf that is not the host itself (loopback, 0.0.0.0) nor on one of its links (fe80::…, with a zone or without); behind systemd-resolved: in its list",
    todo: "set daemon.dns to the site's name servers, or containers ask public ones that they cannot reach",
  },
  firewall: {
    group: "network",
    level: "warn",
    error: "E_FIREWALL",
    looksAt: "ufw on, firewalld running, nftables.service enabled",
    todo: "switch it off, or put what must hold for containers into the chain DOCKER-USER: published ports pass it by, and its reload takes the engine's rules away",
  },
} as const satisfies Record<string, Check>;
