/** An engine that is opened beside Sealift's own files: what systemd has loaded, what the processes run with and listen on. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { engineSteps } from "../../modules/engine/steps.ts";
import type { Step } from "../../modules/core/step.ts";
import { startEngine, type EngineInGuest } from "../support/engine-in-guest.ts";

let engine: EngineInGuest;
let steps: readonly Step[];
before(async () => {
  engine = await startEngine("effective");
  const files = { archive: engine.archive, plugins: [], others: [] };
  const phase = engineSteps({ files, dataRoot: "/docker", imageStore: "classic", users: ["ops"] });
  steps = [...phase, ...engine.daemon()];
  const { mark, text } = await engine.on.run("apply", steps);
  assert.ok(mark, text);
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
  const { steps: reports, mark, text } = await engine.on.run("apply", steps);
  assert.ok(mark, text);
  assert.deepEqual(await wrong(), []);
  return reports.flatMap(({ status, code }) => (status === "changed" ? [code] : []));
}
const units = "/etc/systemd/system";
const refusal = (unit: string, file: string): string =>
  `refused engine.units E_FOREIGN_UNIT ${unit} is made or changed by files that Sealift did not write: ${file}; see whose they are, then remove them and run systemctl daemon-reload`;
const opened =
  "/opt/docker/current/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375 --containerd=/run/containerd/containerd.sock";
/** Three starts in a minute are the limit of docker.service. */
const again = "systemctl reset-failed docker.service docker.socket 2>/dev/null";
const restart = `systemctl daemon-reload; systemctl stop docker.socket docker; ${again}; systemctl start docker.socket docker`;

/** What preflight says before there is an engine, and after it. */
const beforehand = async (): Promise<string> => (await engine.on.call("check_no_foreign_unit_files")).output;

test("an engine that Sealift has started holds", async () => {
  assert.deepEqual(await wrong(), []);
  assert.equal(await beforehand(), "");
});

test("rules that somebody has flushed are told by name, and are back when the engine has started again", async () => {
  const told = (gone: string): readonly string[] => [
    `warn daemon.running E_FIREWALL rules that the engine has made for packets are gone: ${gone}; see who has flushed them, then run systemctl restart docker.service`,
  ];
  await engine.on.root("iptables -t nat -F");
  assert.deepEqual(await wrong(), told("PREROUTING of iptables -t nat does not lead to DOCKER"));
  await engine.on.root("iptables -F");
  assert.deepEqual(await wrong(), told("FORWARD of iptables -t filter does not lead to DOCKER-USER"));
  await engine.on.root(`${again}; systemctl restart docker`);
  assert.deepEqual(await wrong(), []);
});

test("a drop-in that opens the engine is refused by name, and an engine that runs on without it is restarted", async () => {
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

test("a socket for all is found before and after systemd has read it, and made right again", async () => {
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
    "drift daemon.listeners /run/docker.sock is of root:docker with mode 666 in place of root:docker 660";
  assert.deepEqual(await wrong(), [refusal("docker.socket", file), open]);
  await engine.on.root(`rm -r ${units}/docker.socket.d; systemctl daemon-reload`);
  assert.deepEqual(await wrong(), [open]);
  assert.deepEqual(await repaired(), ["daemon.listeners"]);
});

test("another socket that hands its listener to the engine is refused by name", async () => {
  const file = `${units}/docker-tcp.socket`;
  await engine.on.root(
    `printf '[Socket]\\nListenStream=0.0.0.0:2375\\nService=docker.service\\n' >${file}; systemctl daemon-reload; systemctl stop docker; ${again}; systemctl start docker-tcp.socket docker`,
  );
  assert.deepEqual(await wrong(), [
    "refused engine.units E_FOREIGN_UNIT docker-tcp.socket starts docker.service and hands it what it listens on; see whose it is, then stop it, remove its file and run systemctl daemon-reload",
    "drift daemon.listeners the engine listens on the network: 0.0.0.0:2375",
  ]);
  await engine.on.root(`systemctl stop docker docker-tcp.socket; rm ${file}; ${restart}`);
  assert.deepEqual(await wrong(), []);
});

test("containerd that listens on the network by a file that is right again is restarted", async () => {
  const file = "/etc/containerd/config.toml";
  await engine.on.root(
    `cp ${file} /run/kept; printf '[grpc]\\n  tcp_address = "0.0.0.0:2500"\\n' >>${file}; systemctl restart containerd; cp /run/kept ${file}`,
  );
  assert.deepEqual(await wrong(), [
    "drift engine.containerd it listens on the network: [::]:2500",
    "drift daemon.listeners the engine listens on the network: [::]:2500",
  ]);
  assert.deepEqual(await repaired(), ["engine.containerd"]);
});

test("a variable for every service reaches the engine and is found by name, not by value", async () => {
  const folder = "/etc/systemd/system.conf.d";
  await engine.on.root(
    `mkdir -p ${folder}; printf '[Manager]\\nDefaultEnvironment=HTTPS_PROXY=http://me:secret@10.9.9.9:3128\\n' >${folder}/proxy.conf; systemctl daemon-reload; ${again}; systemctl restart docker`,
  );
  assert.deepEqual(await wrong(), [
    "drift daemon.running process N has variables that its unit does not give it: HTTPS_PROXY",
  ]);
  assert.equal(await beforehand(), "systemd gives every service the variables HTTPS_PROXY");
  await engine.on.root(`rm -r ${folder}; systemctl daemon-reload`);
  assert.deepEqual(await repaired(), ["daemon.running"]);
});

test("a second engine, and somebody on an engine's port, are refused", async () => {
  await engine.on.root(
    "mkdir /opt/second; cp /bin/sleep /opt/second/dockerd; systemd-run -q -u second /opt/second/dockerd 1000",
  );
  assert.deepEqual(await wrong(), [
    "refused daemon.listeners E_FOREIGN_ENGINE another engine runs beside the one of docker.service: process N; see who has started it, then stop it",
  ]);
  await engine.on.root(
    `systemctl stop second; systemd-run -q -u taker python3 -c 'import socket,time; s=socket.socket(); s.bind(("127.0.0.1",2375)); s.listen(); time.sleep(1000)'; timeout 60 sh -c "until ss -Hltn | grep -q :2375; do sleep 0.2; done"`,
  );
  assert.match(
    (await wrong()).join("\n"),
    /^refused daemon\.listeners E_PORT somebody listens .*: 127\.0\.0\.1:2375; /,
  );
  await engine.on.root("systemctl stop taker");
  assert.deepEqual(await wrong(), []);
});

test("files with another owner or mode are put right; what would come first is refused, or told of a home", async () => {
  await engine.on.root(
    "chown games /etc/docker/daemon.json; chmod 0777 /opt/docker/current/bin/dockerd; chmod 0666 /etc/systemd/system/docker.service",
  );
  assert.deepEqual(
    (await wrong()).map((line) => line.replace(/ in \S+:/, "")),
    [
      "drift engine.files dockerd is of root:root with mode 777",
      "drift engine.units /etc/systemd/system/docker.service is of root:root with mode 666 in place of root:root 644",
      "drift daemon.file /etc/docker/daemon.json is of games:root with mode 644 in place of root:root 644",
    ],
  );
  assert.deepEqual(await repaired(), ["engine.files", "engine.units", "daemon.file"]);
  await engine.on.root(
    "cp /bin/true /opt/docker/current/bin/iptables; cp /bin/true /usr/bin/docker; mkdir -p ~ops/bin; cp /bin/true ~ops/bin/docker",
  );
  assert.deepEqual(
    (await wrong()).map((line) => line.split("; ")[0]),
    [
      `refused engine.files E_FOREIGN_ENGINE /opt/docker/${engine.archive.version}/bin holds programs that are not of the lock, and the engine would take them before the host's own: iptables`,
      "refused engine.shadows E_FOREIGN_ENGINE another docker is on the PATH: /usr/bin/docker",
    ],
  );
  await engine.on.root("rm /opt/docker/current/bin/iptables /usr/bin/docker");
  assert.deepEqual(
    (await wrong()).map((line) => line.split("; ")[0]),
    [
      "warn engine.shadows E_FOREIGN_ENGINE these come first for whoever has them at home: /home/ops/bin/docker",
    ],
  );
  await engine.on.root("rm -r ~ops/bin");
});
