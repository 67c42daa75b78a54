/** An engine that is opened by other means than Sealift's files: what systemd has loaded, what the processes run with and listen on. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { engineSteps } from "../../modules/engine/steps.ts";
import type { Step } from "../../modules/core/host/step.ts";
import { loadImage, startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";

let engine: EngineInGuest;
let steps: readonly Step[];
before(async () => {
  engine = await startEngine("effective");
  const files = { archive: engine.archive, plugins: [], others: [] };
  const phase = engineSteps({ files, dataRoot: "/docker", imageStore: "classic", users: ["ops"] });
  steps = [...phase, ...engine.daemon()];
  const { revision, text } = await engine.on.run("apply", steps);
  assert.ok(revision, text);
});
after(() => engine.end());

/** Status, code and finding of what does not hold. */
async function wrong(): Promise<readonly string[]> {
  const { steps: reports } = await engine.on.run("check", steps);
  return reports
    .filter(({ status }) => status !== "ok")
    .map(({ status, code, found }) => `${status} ${code} ${found.replaceAll(/process \d+/g, "process N")}`);
}
async function repaired(): Promise<readonly string[]> {
  const { steps: reports, revision, text } = await engine.on.run("apply", steps);
  assert.ok(revision, text);
  assert.deepEqual(await wrong(), []);
  return reports.flatMap(({ status, code }) => (status === "changed" ? [code] : []));
}
const units = "/etc/systemd/system";
const refusal = (unit: string, file: string): string =>
  `refused engine.units E_UNMANAGED_UNIT ${unit} is made or changed by files that Sealift did not write: ${file}; fix: find out who owns them, then remove them and run systemctl daemon-reload`;
const opened =
  "/opt/docker/current/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375 --containerd=/run/containerd/containerd.sock";
/** Three starts in a minute are the limit of docker.service. */
const again = "systemctl reset-failed docker.service docker.socket 2>/dev/null";
const restart = `systemctl daemon-reload; systemctl stop docker.socket docker; ${again}; systemctl start docker.socket docker`;

/** What preflight says before there is an engine, and after it. */
const beforehand = async (): Promise<string> => (await engine.on.call("check_no_foreign_unit_files")).output;

test("an engine started by Sealift passes", async () => {
  assert.deepEqual(await wrong(), []);
  assert.equal(await beforehand(), "");
});

test("flushed firewall rules are found by name, and a restart that containers survive restores them", async () => {
  const gone = (what: string): readonly string[] => [
    `drift daemon.running firewall rules of the engine are missing: ${what}`,
  ];
  const image = await loadImage(engine);
  await engine.docker(
    `run -d --name web -p 8080:80 -p 127.0.0.1:8053:53/udp -p 8100-8105:90-95 ${image} sleep 3600`,
  );
  assert.deepEqual(await wrong(), []);
  const life = await engine.docker("inspect web --format '{{.State.Pid}} {{.State.StartedAt}}'");
  const ports = "no rule forwards or accepts published ports";
  await engine.on.root(
    "iptables -t nat -D DOCKER $(iptables -t nat -S DOCKER | sed -n 's/^-A DOCKER //; /dport 8053/p')",
  );
  assert.deepEqual(await wrong(), gone(`${ports}: 127.0.0.1:8053/udp of web`));
  await engine.on.root("iptables -t filter -F DOCKER");
  assert.match((await wrong()).join(" "), /accepts published ports: (\S+ of web, ){3}\S+ of web and 4 more$/);
  await engine.on.root("iptables -t nat -F");
  assert.deepEqual(await wrong(), gone("PREROUTING of iptables -t nat does not jump to DOCKER"));
  await engine.on.root("iptables -F");
  assert.deepEqual(await wrong(), gone("FORWARD of iptables -t filter does not jump to DOCKER-USER"));
  const { steps: reports } = await engine.on.run("check", steps);
  assert.equal(reports.find(({ code }) => code === "daemon.running")?.effect, "restart");
  assert.deepEqual(await repaired(), ["daemon.running"]);
  assert.equal(await engine.docker("inspect web --format '{{.State.Pid}} {{.State.StartedAt}}'"), life);
  await engine.docker("rm -f web");
});

test("a drop-in that opens the engine is refused by name, and an engine still running with it is restarted", async () => {
  const file = `${units}/docker.service.d/override.conf`;
  await engine.on.root(`printf '[Service]\\nExecStart=\\nExecStart=${opened}\\n' >${file}; ${restart}`);
  const open = [
    `drift daemon.running process N runs as: ${opened}`,
    "drift daemon.listeners the engine listens on the network: [::]:2375",
  ];
  assert.deepEqual(await wrong(), [refusal("docker.service", file), ...open]);
  await engine.on.root(`rm ${file}; systemctl daemon-reload`);
  assert.deepEqual(await wrong(), open);
  assert.deepEqual(await repaired(), ["daemon.running"]);
});

test("a world-accessible socket is found before and after systemd has read it, and corrected", async () => {
  const file = `${units}/docker.socket.d/open.conf`;
  await engine.on.root(`mkdir ${units}/docker.socket.d; printf '[Socket]\\nSocketMode=0666\\n' >${file}`);
  assert.deepEqual(await wrong(), [refusal("docker.socket", file)]);
  const second = `${units}/containerd.service.d/proxy.conf`;
  await engine.on.root(`touch ${second}`);
  assert.equal(
    await beforehand(),
    `containerd.service is made or changed by ${second}, docker.socket is made or changed by ${file}`,
  );
  await engine.on.root(`rm ${second}; ${restart}`);
  const open =
    "drift daemon.listeners /run/docker.sock has owner and mode root:docker 666 instead of root:docker 660";
  assert.deepEqual(await wrong(), [refusal("docker.socket", file), open]);
  await engine.on.root(`rm -r ${units}/docker.socket.d; systemctl daemon-reload`);
  assert.deepEqual(await wrong(), [open]);
  assert.deepEqual(await repaired(), ["daemon.listeners"]);
});

test("another socket that passes its listener to the engine is refused by name", async () => {
  const file = `${units}/docker-tcp.socket`;
  await engine.on.root(
    `printf '[Socket]\\nListenStream=0.0.0.0:2375\\nService=docker.service\\n' >${file}; systemctl daemon-reload; systemctl stop docker; ${again}; systemctl start docker-tcp.socket docker`,
  );
  assert.deepEqual(await wrong(), [
    "refused engine.units E_UNMANAGED_UNIT docker-tcp.socket activates docker.service and passes it another listening socket; fix: find out who installed it, then stop it, remove its file and run systemctl daemon-reload",
    "drift daemon.listeners the engine listens on the network: 0.0.0.0:2375",
  ]);
  await engine.on.root(`systemctl stop docker docker-tcp.socket; rm ${file}; ${restart}`);
  assert.deepEqual(await wrong(), []);
});

test("a containerd that still listens on the network after its file was corrected is restarted", async () => {
  const file = "/etc/containerd/config.toml";
  await engine.on.root(
    `cp ${file} /run/kept; printf '[grpc]\\n  tcp_address = "0.0.0.0:2500"\\n' >>${file}; systemctl restart containerd; cp /run/kept ${file}`,
  );
  assert.deepEqual(await wrong(), [
    "drift engine.containerd containerd listens on the network: [::]:2500",
    "drift daemon.listeners the engine listens on the network: [::]:2500",
  ]);
  assert.deepEqual(await repaired(), ["engine.containerd"]);
});

test("a variable set for every service reaches the engine and is reported by name, not by value", async () => {
  const folder = "/etc/systemd/system.conf.d";
  await engine.on.root(
    `mkdir -p ${folder}; printf '[Manager]\\nDefaultEnvironment=HTTPS_PROXY=http://me:secret@10.9.9.9:3128\\n' >${folder}/proxy.conf; systemctl daemon-reload; ${again}; systemctl restart docker`,
  );
  assert.deepEqual(await wrong(), [
    "drift daemon.running process N has variables that its unit does not set: HTTPS_PROXY",
  ]);
  assert.equal(await beforehand(), "systemd sets these variables for every service: HTTPS_PROXY");
  await engine.on.root(`rm -r ${folder}; systemctl daemon-reload`);
  assert.deepEqual(await repaired(), ["daemon.running"]);
});

test("a second engine and a process on the engine's port are refused", async () => {
  await engine.on.root(
    "mkdir /opt/second; cp /bin/sleep /opt/second/dockerd; systemd-run -q -u second /opt/second/dockerd 1000",
  );
  assert.deepEqual(await wrong(), [
    "refused daemon.listeners E_UNMANAGED_ENGINE another engine runs beside the one of docker.service: process N; fix: find out who started it, then stop it",
  ]);
  await engine.on.root(
    `systemctl stop second; systemd-run -q -u taker python3 -c 'import socket,time; s=socket.socket(); s.bind(("127.0.0.1",2375)); s.listen(); time.sleep(1000)'; timeout 60 sh -c "until ss -Hltn | grep -q :2375; do sleep 0.2; done"`,
  );
  assert.match(
    (await wrong()).join("\n"),
    /^refused daemon\.listeners E_PORT a process listens .*: 127\.0\.0\.1:2375; /,
  );
  await engine.on.root("systemctl stop taker");
  assert.deepEqual(await wrong(), []);
});

test("files with another owner or mode are corrected; one that would take precedence is refused, or a warning if it is in a home", async () => {
  await engine.on.root(
    "chown games /etc/docker/daemon.json; chmod 0777 /opt/docker/current/bin/dockerd; chmod 0666 /etc/systemd/system/docker.service",
  );
  assert.deepEqual(
    (await wrong()).map((line) => line.replace(/ in \S+:/, "")),
    [
      "drift engine.files dockerd is of root:root with mode 777",
      "drift engine.units /etc/systemd/system/docker.service has owner and mode root:root 666 instead of root:root 644",
      "drift daemon.file /etc/docker/daemon.json has owner and mode games:root 644 instead of root:root 644",
    ],
  );
  assert.deepEqual(await repaired(), ["engine.files", "engine.units", "daemon.file"]);
  await engine.on.root(
    "cp /bin/true /opt/docker/current/bin/iptables; cp /bin/true /usr/bin/docker; mkdir -p ~ops/bin; cp /bin/true ~ops/bin/docker",
  );
  assert.deepEqual(
    (await wrong()).map((line) => line.split("; ")[0]),
    [
      `refused engine.files E_UNMANAGED_ENGINE /opt/docker/${engine.archive.version}/bin holds programs that are not in the lock, and the engine would run them instead of the host's own: iptables`,
      "refused engine.shadows E_UNMANAGED_ENGINE another docker is on the PATH: /usr/bin/docker",
    ],
  );
  await engine.on.root("rm /opt/docker/current/bin/iptables /usr/bin/docker");
  assert.deepEqual(
    (await wrong()).map((line) => line.split("; ")[0]),
    [
      "warn engine.shadows E_UNMANAGED_ENGINE programs in home directories take precedence for their owners: /home/ops/bin/docker",
    ],
  );
  await engine.on.root("rm -r ~ops/bin");
});
