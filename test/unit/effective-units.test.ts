/** Units as systemd has loaded them: whatever opens the engine besides Sealift's own files is found. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { quote } from "../../modules/core/quote.ts";
import { libraryCall } from "../support/guests/library-call.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-units-"));
after(() => {
  rmSync(folder, { recursive: true });
});
const path = (name: string): string => join(folder, name);

/** What systemctl show prints of units, as recorded of systemd 257. */
const right = {
  "containerd.service": {
    LoadState: "loaded",
    FragmentPath: "/etc/systemd/system/containerd.service",
    DropInPaths: "/etc/systemd/system/containerd.service.d/sealift.conf",
    NeedDaemonReload: "no",
    ActiveState: "active",
    UnitFileState: "enabled",
    Environment: "PATH=/opt/docker/current/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ExecStartPre: command("/sbin/modprobe overlay", "yes"),
    ExecStart: command("/opt/docker/current/bin/containerd"),
  },
  "docker.socket": {
    LoadState: "loaded",
    FragmentPath: "/etc/systemd/system/docker.socket",
    DropInPaths: "",
    NeedDaemonReload: "no",
    Triggers: "docker.service",
    SocketUser: "root",
    SocketGroup: "docker",
    SocketMode: "0660",
    Listen: "/run/docker.sock (Stream)",
  },
  "docker.service": {
    LoadState: "loaded",
    FragmentPath: "/etc/systemd/system/docker.service",
    DropInPaths: "/etc/systemd/system/docker.service.d/sealift.conf",
    NeedDaemonReload: "no",
    TriggeredBy: "docker.socket",
    KillMode: "process",
    Environment:
      "PATH=/opt/docker/current/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_DIR=/etc/ssl/certs:/etc/docker/token-ca",
    ExecStartPre: command(
      "/usr/bin/install -D -m 0644 /etc/docker/daemon.json /run/sealift/daemon.json.loaded",
    ),
    ExecStart: command(
      "/opt/docker/current/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock",
    ),
  },
};
type Units = Record<string, Record<string, string | readonly string[]>>;

function command(line: string, ignores = "no"): string {
  const [program = ""] = line.split(" ");
  return `{ path=${program} ; argv[]=${line} ; ignore_errors=${ignores} ; start_time=[Sun 2026-11-29 04:00:00 UTC] ; stop_time=[n/a] ; pid=812 ; code=(null) ; status=0/0 }`;
}

function loaded(units: Units): string {
  const block = (name: string, values: Units[string]): string =>
    [
      `Id=${name}`,
      ...Object.entries(values).flatMap(([key, value]) => [value].flat().map((one) => `${key}=${one}`)),
    ].join("\n");
  const text = Object.entries(units)
    .map(([name, values]) => block(name, values))
    .join("\n\n");
  mkdirSync(path("bin"), { recursive: true });
  writeFileSync(path("shown"), `${text}\n`);
  writeFileSync(join(path("bin"), "systemctl"), `#!/bin/sh\ncat ${quote(path("shown"))}\n`, { mode: 0o755 });
  return libraryCall(
    path("bin"),
    'unit_inspect "$UNIT_WHOLE" containerd.service docker.socket docker.service\nunits_loaded || { echo "$unit_wrong"; return 1; }',
  );
}

const changed = (unit: keyof typeof right, values: Units[string]): string =>
  loaded({ ...right, [unit]: { ...right[unit], ...values } });

test("units that systemd has loaded from Sealift's files alone are right", () => {
  assert.equal(loaded(right), "0 ");
});

const attacks: readonly [what: string, unit: keyof typeof right, values: Units[string], found: string][] = [
  [
    "a drop-in that opens the engine",
    "docker.service",
    {
      DropInPaths:
        "/etc/systemd/system/docker.service.d/override.conf /etc/systemd/system/docker.service.d/sealift.conf",
    },
    "docker.service is made or changed by /etc/systemd/system/docker.service.d/override.conf",
  ],
  [
    "a drop-in below /run, which no file of /etc shows",
    "docker.socket",
    { DropInPaths: "/run/systemd/system/docker.socket.d/open.conf" },
    "docker.socket is made or changed by /run/systemd/system/docker.socket.d/open.conf",
  ],
  [
    "a socket of another place",
    "docker.socket",
    { FragmentPath: "/run/systemd/system/docker.socket" },
    "docker.socket is made or changed by /run/systemd/system/docker.socket",
  ],
  [
    "a listener on the network, loaded and its file taken away again",
    "docker.socket",
    { Listen: ["/run/docker.sock (Stream)", "0.0.0.0:2375 (Stream)"] },
    "docker.socket has Listen /run/docker.sock (Stream) 0.0.0.0:2375 (Stream)",
  ],
  ["a socket for all", "docker.socket", { SocketMode: "0666" }, "docker.socket has SocketMode 0666"],
  [
    "another socket that hands its listener over",
    "docker.service",
    { TriggeredBy: "docker.socket docker-tcp.socket" },
    "docker.service has TriggeredBy docker.socket docker-tcp.socket",
  ],
  [
    "another command line",
    "docker.service",
    { ExecStart: command("/opt/docker/current/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375") },
    "docker.service has ExecStart /opt/docker/current/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375",
  ],
  [
    "a variable of every service, whose value may be a secret",
    "docker.service",
    { Environment: "HTTP_PROXY=http://me:secret@10.9.9.9:3128 PATH=/bin" },
    "docker.service has a different Environment",
  ],
  [
    "a configuration of containerd of its own",
    "containerd.service",
    { ExecStart: command("/opt/docker/current/bin/containerd --config /tmp/c.toml") },
    "containerd.service has ExecStart /opt/docker/current/bin/containerd --config /tmp/c.toml",
  ],
  [
    "a file that was changed after systemd had read it",
    "docker.service",
    { NeedDaemonReload: "yes" },
    "the files of docker.service changed and systemd has not reloaded them",
  ],
  [
    "our own drop-in, not read yet",
    "containerd.service",
    { DropInPaths: "" },
    "systemd has not read /etc/systemd/system/containerd.service.d/sealift.conf",
  ],
  ["a unit that is masked", "docker.service", { LoadState: "masked" }, "docker.service is masked"],
];
for (const [what, unit, values, found] of attacks)
  test(`not right: ${what}`, () => {
    assert.equal(changed(unit, values).replaceAll("\n", " "), `1 ${found}`);
  });

test("a drop-in for all services is accepted while the values are right", () => {
  const { DropInPaths } = right["docker.service"];
  assert.equal(
    changed("docker.service", { DropInPaths: `/run/systemd/system/service.d/container.conf ${DropInPaths}` }),
    "0 ",
  );
});

/** Which of the addresses on which the engine listens are nobody's business, with containers that have published these. */
function open(listening: string, allowed: readonly string[], published: string): string {
  mkdirSync(path("bin"), { recursive: true });
  const docker = `#!/bin/sh\ncase $1 in ps) echo 1234 ;; inspect) printf '%b' ${quote(published)} ;; esac\n`;
  writeFileSync(join(path("bin"), "docker"), docker, { mode: 0o755 });
  return libraryCall(
    path("bin"),
    `SEALIFT_DOCKER=${quote(join(path("bin"), "docker"))}\nprocess_ports=${quote(` ${listening}`)}\nprocess_others=${quote(` ${listening}`)}\nlisteners_open ${allowed.map(quote).join(" ")}\nopen=$listeners_found\nlisteners_unsafe\necho "$open |$listeners_found"`,
  );
}

test("a port that a container has published, or that the site allows for metrics, is no listener of the engine itself", () => {
  const published = "0.0.0.0:2375\\n:::2375\\n127.0.0.1:8080\\n";
  assert.equal(open("0.0.0.0:2375 [::]:2375 127.0.0.1:8080", [], published), "0  |");
  assert.equal(open("127.0.0.1:9323", ["127.0.0.1:9323"], ""), "0  |");
  assert.equal(open("0.0.0.0:8080", [], published), "0  0.0.0.0:8080 |");
  assert.equal(
    open("127.0.0.1:2375 [::]:2376", [], "0.0.0.0:80\\n"),
    "0  127.0.0.1:2375 [::]:2376 | 127.0.0.1:2375 [::]:2376",
  );
});

test("a writer that is open to networks is refused where systemd cannot filter, and nowhere else", () => {
  const programs = path("no-filter");
  mkdirSync(programs);
  const program = (name: string, lines: string): void => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  };
  const refused = (bytes: string, ...networks: readonly string[]): string => {
    program("systemctl", `case "$*" in *IPIngressBytes*) echo '${bytes}' ;; esac`);
    const call = ["guard_registry_units", "/registry", "5000", "5001", ...networks];
    return libraryCall(programs, call.map(quote).join(" "));
  };
  program("systemd-run", "exit 0");
  const words =
    /^1 E_NETWORK_FILTER systemd cannot restrict the writer to 10\.20\.0\.0\/16 on this host: .*; fix: remove registry\.writerNetworks/;
  assert.match(refused("[no data]", "10.20.0.0/16"), words);
  assert.match(refused("18446744073709551615", "10.20.0.0/16"), words);
  assert.equal(refused("0", "10.20.0.0/16"), "0 ");
  assert.equal(refused("[no data]"), "0 ", "a writer for its own host alone needs no filter");
  program("systemd-run", "exit 1");
  assert.match(refused("0", "10.20.0.0/16"), words);
});
