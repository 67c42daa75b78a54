/** The shared facts about files and processes: what is effective on a host, and not only what Sealift has written. */
import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { quote } from "../../modules/core/quote.ts";
import { libraryCall } from "../support/guests/library-call.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-effective-"));
const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

const shell = (lines: string): string => libraryCall(join(folder, "bin"), lines);
const path = (name: string): string => join(folder, name);
const mine = execFileSync("sh", ["-c", "printf %s:%s $(id -un) $(id -gn)"], { encoding: "utf8" });

const is = (file: string, text: string, what = `${mine} 644`): string =>
  shell(
    `file_is ${quote(file)} "$(printf ${quote(text.replaceAll("\n", "\\n"))})" ${quote(what)} || { echo "$file_wrong"; return 1; }`,
  );

test("a file is Sealift's only with its bytes, owner, group, mode and type", () => {
  const file = path("file");
  const put = (text: string, mode = 0o644): string => {
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  assert.equal(is(put("a\nb\n"), "a\nb"), "0 ");
  assert.equal(is(put("a\nB\n"), "a\nb"), `1 ${file} is altered`);
  assert.equal(
    is(put("a\nb\nSystemMaxUse=9T"), "a\nb"),
    `1 ${file} is altered`,
    "a last line without its end",
  );
  assert.equal(is(put("a\nb\n\0\0"), "a\nb"), `1 ${file} is altered`, "bytes that a shell does not read");
  assert.equal(is(put("a\nb"), "a\nb"), `1 ${file} is altered`, "one end of a line less");
  assert.equal(
    is(put("a\nb\n", 0o666), "a\nb"),
    `1 ${file} has owner and mode ${mine} 666 instead of ${mine} 644`,
  );
  assert.equal(
    is(put("a\nb\n"), "a\nb", "daemon:daemon 644"),
    `1 ${file} has owner and mode ${mine} 644 instead of daemon:daemon 644`,
  );
  unlinkSync(file);
  writeFileSync(path("target"), "a\nb\n");
  symlinkSync(path("target"), file);
  assert.equal(is(file, "a\nb"), `1 ${file} is a symbolic link`);
  unlinkSync(file);
  assert.equal(is(file, "a\nb"), `1 ${file} is absent`);
  mkdirSync(file);
  assert.equal(is(file, "a\nb"), `1 ${file} is a directory`);
  rmSync(file, { recursive: true });
});

test("a written file replaces a link and is never written through it", () => {
  const file = path("put");
  writeFileSync(path("victim"), "theirs\n");
  symlinkSync(path("victim"), file);
  symlinkSync(path("victim"), `${file}.new`);
  assert.equal(shell(`file_put ${quote(file)} 'ours' ${quote(`${mine} 640`)}`), "0 ");
  assert.equal(is(file, "ours", `${mine} 640`), "0 ");
  assert.equal(execFileSync("cat", [path("victim")], { encoding: "utf8" }), "theirs\n");
});

test("a folder that others can write to is not safe, even if sticky; a sticky one above a folder of root is", () => {
  const safe = (file: string): string =>
    shell(`path_is_safe ${quote(file)} || { echo "$path_wrong"; return 1; }`);
  const open = path("open");
  mkdirSync(join(open, "below"), { recursive: true });
  chmodSync(open, 0o777);
  const found = safe(join(open, "below", "not-there"));
  assert.match(found, process.getuid?.() === 0 ? /^1 \S+\/open is writable by others \(mode 777\)$/ : /^1 /);
  assert.equal(safe("/usr/bin"), "0 ");
  for (const place of ["/tmp", "/tmp/sealift-not-there"])
    assert.equal(safe(place), "1 /tmp is writable by others (mode 1777)");
  chmodSync(open, 0o1777);
  if (process.getuid?.() === 0) assert.equal(safe(join(open, "below")), "0 ");
});

/** A process that does nothing, with these variables and no others. */
async function idle(env: Record<string, string>): Promise<number> {
  const child = spawn("sleep", ["1000"], { env, stdio: "ignore" });
  started.push(child);
  await once(child, "spawn");
  return child.pid ?? 0;
}
const runs = (pid: number, ...words: readonly string[]): string =>
  shell(
    `process_runs ${[String(pid), ...words].map(quote).join(" ")} || { echo "$process_wrong"; return 1; }`,
  );

test("a process matches its unit by command line and variables, whose values are not reported", async () => {
  const path = "/usr/bin:/bin";
  const pid = await idle({ PATH: path, LANG: "C.UTF-8", INVOCATION_ID: "a", OTEL: "none" });
  assert.equal(runs(pid, "sleep 1000", `PATH=${path}`, "OTEL=none"), "0 ");
  assert.equal(runs(pid, "sleep 999", `PATH=${path}`), `1 process ${pid} runs as: sleep ...`);
  assert.equal(runs(pid, "sleep 1000", "PATH=/bin"), `1 process ${pid} does not have the PATH of its unit`);
  const proxied = await idle({
    PATH: path,
    HTTP_PROXY: "http://me:secret@10.9.9.9:3128",
    "odd name": "secret",
  });
  assert.equal(
    runs(proxied, "sleep 1000", `PATH=${path}`),
    `1 process ${proxied} has variables that its unit does not set: HTTP_PROXY, another one`,
  );
});

test("every address on which a process listens is found, and distinguished from those of others", async () => {
  const listens = async (host: string): Promise<number> => {
    const server = createServer().listen(0, host);
    await once(server, "listening");
    server.unref();
    return (server.address() as AddressInfo).port;
  };
  const own = await listens("127.0.0.1");
  const all = await listens("0.0.0.0");
  const six = await listens("::1");
  const found = (pid: number): string =>
    shell(`process_inspect ${pid}\nprocess_tcp\necho "$process_ports |$process_others "`);
  const [ours = ""] = found(process.pid).split(" |");
  assert.deepEqual(
    ours.slice(1).trim().split(" ").toSorted(),
    [`127.0.0.1:${own}`, `0.0.0.0:${all}`, `[::1]:${six}`].toSorted(),
  );
  const idler = await idle({});
  const [none = "", others = ""] = found(idler).split(" |");
  assert.equal(none, "0 ");
  for (const one of [`127.0.0.1:${own}`, `0.0.0.0:${all}`, `[::1]:${six}`])
    assert.ok(others.includes(` ${one} `), one);
});

test("a socket with another process behind it is reported", async () => {
  const socket = path("engine.sock");
  const server = createServer().listen(socket);
  await once(server, "listening");
  server.unref();
  /** The user who runs the test takes the place of root, or nobody does. */
  const alone = (pid: number, root = true): string =>
    shell(`process_of_root() { ${root}; }\nprocess_inspect ${pid}\nprocess_alone_on ${quote(socket)}`);
  assert.equal(alone(process.pid), "0 ");
  assert.equal(alone(await idle({})), `1 another process listens on ${socket}: process ${process.pid}`);
  assert.equal(alone(await idle({}), false), `1 no process listens on ${socket}`);
  renameSync(socket, `${socket}.kept`);
  const listen = `require("node:net").createServer().listen(${JSON.stringify(socket)}, () => console.log("in"))`;
  const second = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "ignore"] });
  started.push(second);
  await once(second.stdout, "data");
  assert.equal(
    alone(process.pid),
    `1 more than one process listens on ${socket}: process ${second.pid ?? 0}`,
  );
  // A name in the kernel's table that is another file, or nobody's of root's, takes nothing over.
  assert.equal(alone(process.pid, false), "0 ");
  renameSync(socket, `${socket}.second`);
  renameSync(`${socket}.kept`, socket);
  second.kill("SIGKILL");
  await once(second, "exit");
  assert.equal(alone(process.pid), "0 ");
  server.close();
  await once(server, "close");
  assert.equal(alone(process.pid), `1 ${socket} does not exist`);
});

test("a socket whose name contains a line of the kernel's table does not count under the name in that line", async () => {
  const socket = path("own.sock");
  const server = createServer().listen(socket);
  await once(server, "listening");
  server.unref();
  // Another process has a socket, and then one by a name that says that the first one listens there, too.
  const code = `const { mkdirSync, readlinkSync } = require("node:fs");
    const { dirname } = require("node:path");
    const { createServer } = require("node:net");
    const first = createServer().listen("first", () => {
      const inode = /\\d+/.exec(readlinkSync("/proc/self/fd/" + first._handle.fd))[0];
      const name = "x\\n0: 00000002 00000000 00010000 0001 01 " + inode + " " + ${JSON.stringify(socket)};
      mkdirSync(dirname(name), { recursive: true });
      createServer().listen(name, () => console.log("in"));
    });`;
  const forger = spawn(process.execPath, ["-e", code], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  started.push(forger);
  await once(forger.stdout, "data");
  const forged = readFileSync("/proc/net/unix", "utf8").split("\n");
  assert.equal(forged.filter((line) => line.endsWith(` ${socket}`)).length, 2);
  const said = shell(
    `process_of_root() { true; }\nprocess_inspect ${process.pid}\nprocess_alone_on ${quote(socket)}`,
  );
  assert.equal(said, "0 ");
  server.close();
});

test("other listeners are searched for among root's processes only: other users may hold millions of open files", () => {
  const root = path("host");
  for (const [pid, uid] of [
    [11, 0],
    [12, 1000],
  ] as const) {
    mkdirSync(join(root, "proc", `${pid}`, "fd"), { recursive: true });
    writeFileSync(join(root, "proc", `${pid}`, "status"), `Name:\tx\nUid:\t${uid}\t0\t0\t0\n`);
    symlinkSync("socket:[77]", join(root, "proc", `${pid}`, "fd", "3"));
  }
  // In the session of an account anybody may make it long.
  mkdirSync(join(root, "proc", "10"), { recursive: true });
  writeFileSync(join(root, "proc", "10", "status"), "Name:\tx\nUid:\t0\t0\t0\t0\n");
  writeFileSync(join(root, "proc", "10", "cgroup"), "0::/user.slice/user-1000.slice/session-1.scope\n");
  const roots = (seconds: number): string =>
    shell(
      `PROCESS_SECONDS=${seconds}\nprocess_roots ${quote(root)}/proc/1[0-2]\nfor one in $process_rooted; do echo "\${one##*/}"; done`,
    );
  assert.deepEqual([roots(20), roots(0)], ["0 11\n10", "0 11"]);
  const checked = shell(
    `SEALIFT_ROOT=${quote(root)}\ntimeout() { shift; "$@"; }\nfind() { echo "$@" >>${quote(path("looked"))}; }\nalone_others=" 77"\nalone_beside=\nprocess_alone_beside /run/x.sock\ncat ${quote(path("looked"))}`,
  );
  assert.match(checked, /\/proc\/11\/fd /);
  assert.doesNotMatch(checked, /\/proc\/12\/fd/);
});

/** A host on which these processes are, in these control groups, in the namespace of pid 1 or in another one. */
function hostWith(
  processes: readonly (readonly [pid: number, comm: string, group: string, namespace?: string])[],
): string {
  const root = mkdtempSync(path("host-"));
  for (const [pid, comm, group, namespace = "own"] of [
    [1, "systemd", "/init.scope"] as const,
    ...processes,
  ]) {
    const at = join(root, "proc", `${pid}`);
    mkdirSync(join(at, "ns"), { recursive: true });
    mkdirSync(join(root, namespace), { recursive: true });
    symlinkSync(join(root, namespace), join(at, "ns", "pid"));
    writeFileSync(join(at, "comm"), `${comm}\n`);
    writeFileSync(join(at, "status"), `Name:\t${comm}\nUid:\t0\t0\t0\t0\n`);
    writeFileSync(join(at, "cgroup"), `1:name=systemd:${group}\n0::${group}\n`);
  }
  return root;
}

test("an engine in a container that has its own systemd is not the host's", () => {
  const inner = [
    "/system.slice/docker-4f.scope/system.slice/docker.service",
    "/system.slice/docker-4f.scope/init.scope",
    "/docker/4f/system.slice/docker.service",
    "/kubepods.slice/kubepods-x.slice/cri-containerd-4f.scope/system.slice/docker.service",
    "/machine.slice/libpod-4f.scope/container/system.slice/docker.service",
    "/machine.slice/systemd-nspawn@lab.service/payload/system.slice/docker.service",
    "/machine.slice/docker.service",
    "/lxc.payload.lab/system.slice/docker.service",
    "/init.scope.d/docker.service",
  ];
  const own = [
    "/system.slice/docker.service",
    "/system.slice/system-engine.slice/engine@1.service",
    "/engines.slice/docker.service",
    "/user.slice/user-0.slice/session-3.scope",
    "/init.scope",
  ];
  const processes = [...inner, ...own].map((group, index) => [100 + index, "dockerd", group] as const);
  // Below a service: what it has made itself, and a container of its own.
  const below = [
    [50, "dockerd", "/system.slice/docker.service/init"],
    [51, "dockerd", "/system.slice/lab.service/payload/system.slice/docker.service", "other"],
  ] as const;
  const root = hostWith([...processes, ...below]);
  const expected = [...own.map((_, index) => 100 + inner.length + index), 50];
  assert.deepEqual(
    shell(`SEALIFT_ROOT=${quote(root)}\nprocess_of dockerd containerd\necho $process_pids`)
      .split(" ")
      .slice(1)
      .map(Number),
    expected,
  );
  const unit = (pid: number): string =>
    shell(`SEALIFT_ROOT=${quote(root)}\nprocess_unit ${pid}\necho "$process_unit"`);
  assert.equal(unit(100), "0 ", "its docker.service is not the host's");
  assert.equal(unit(50), "0 ", "a group that a service has made");
  assert.equal(unit(100 + inner.length), "0 docker.service");
});

test("finding listeners takes time in proportion to their number", () => {
  const root = mkdtempSync(path("net-"));
  const net = join(root, "proc", "1", "net");
  mkdirSync(net, { recursive: true });
  mkdirSync(join(root, "proc", "1", "fd"));
  const count = 60_000;
  const line = (index: number): string =>
    ` ${index}: ${(0x0100007f + index * 0x100).toString(16).toUpperCase().padStart(8, "0")}:0947 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 ${1000 + index} 1\n`;
  writeFileSync(
    join(net, "tcp"),
    ` sl\n${Array.from({ length: count }, (_, index) => line(index)).join("")}`,
  );
  symlinkSync("socket:[1000]", join(root, "proc", "1", "fd", "3"));
  // A file of that name is none.
  symlinkSync("/x/socket:[1001]", join(root, "proc", "1", "fd", "4"));
  const requests = path("asked");
  writeFileSync(requests, "");
  const found = shell(
    `SEALIFT_ROOT=${quote(root)}\nSEALIFT_DOCKER=docker\ndocker() { echo "$@" >>${quote(requests)}; case $1 in ps) echo 1 ;; *) echo 127.0.0.9:2375 ;; esac; }\ntimeout() { shift; "$@"; }\nprocess_inspect 1\nprocess_tcp\nset -- $process_others\necho "$process_ports $#"\nlisteners_unsafe\nset -- $listeners_found\necho "$# $1"`,
  );
  assert.equal(found, `0  127.0.0.1:2375 ${count - 1}\n16 127.1.0.1:2375`);
  assert.equal(readFileSync(requests, "utf8").match(/^ps /gm)?.length, 1, "the engine is asked once");
});
