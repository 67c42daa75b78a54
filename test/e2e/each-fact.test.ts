/** The facts of users, engine and daemon; those of volumes are in volumes.test.ts. */
import { breakEachFact, type Breakage } from "../support/guests/each-fact.ts";
import { siteMachine } from "../support/guests/site-under-test.ts";

const breakages: Readonly<Record<string, Breakage>> = {
  "users.group": {
    command: "groupdel docker",
    also: ["users.deploy.docker", "daemon.running", "daemon.listeners"],
  },
  "users.deploy": { command: "usermod --shell /bin/sh deploy" },
  "users.deploy.docker": { command: "gpasswd --delete deploy docker" },
  "users.deploy.password": { command: "echo deploy:known | chpasswd" },
  "users.deploy.expiry": { command: "chage --expiredate 2020-01-01 deploy" },
  "users.deploy.keys": { command: "echo '# a key' >>/home/deploy/.ssh/authorized_keys" },
  "users.deploy.sudo": { command: "echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/sealift-deploy" },
  "users.removed": {
    command:
      "useradd --uid 1600 gone && usermod --append --groups docker gone && echo gone >>/var/lib/sealift/users",
    also: ["users.unmanaged"],
  },
  "engine.data-root": { command: "rm /var/lib/sealift/data-root" },
  "engine.store": { command: "rm /var/lib/sealift/image-store" },
  "engine.files": { command: "truncate --size -1 /opt/docker/current/bin/ctr" },
  "engine.current": {
    command: "ln -sfn nowhere /opt/docker/current",
    also: ["engine.containerd", "daemon.running", "daemon.containers"],
  },
  "engine.commands": { command: "rm /usr/local/bin/docker", also: ["daemon.running", "daemon.containers"] },
  "engine.units": { command: "echo '# by hand' >>/etc/systemd/system/docker.service" },
  "engine.containerd": { command: "systemctl disable containerd" },
  "daemon.token-ca": { command: "echo x >/etc/docker/token-ca/registry.crt", also: ["daemon.running"] },
  "daemon.file": {
    command: `sed -i 's/"log-driver": "local"/"log-driver": "json-file"/' /etc/docker/daemon.json`,
    also: ["daemon.running"],
  },
  "daemon.running": {
    command: "systemctl stop docker.service docker.socket",
    also: ["daemon.listeners", "daemon.containers"],
  },
  "daemon.listeners": { command: "chmod 0666 /run/docker.sock" },
};

const elsewhere: Readonly<Record<string, string>> = {
  "users.unmanaged": "reported only: test/e2e/users.test.ts",
  "users.sshd": "reported only: test/guest/users-effective.test.ts",
  "engine.shadows": "refused only: test/guest/effective.test.ts",
  "engine.archive": "below, with up: it has to travel again",
  "daemon.containers": "test/e2e/engine-versions.test.ts",
};

breakEachFact({
  name: "each-fact",
  machine: siteMachine,
  of: ["users", "engine", "daemon"],
  breakages,
  elsewhere,
});
