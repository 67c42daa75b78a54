/** The shared facts about files and processes: what counts on a host, and not only what Sealift has written there. */
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
import { libraryCall } from "../support/library-call.ts";

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

test("a file is what Sealift wrote only with its bytes, owner, group, mode and kind", () => {
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
    `1 ${file} is of ${mine} with mode 666 in place of ${mine} 644`,
  );
  assert.equal(
    is(put("a\nb\n"), "a\nb", "daemon:daemon 644"),
    `1 ${file} is of ${mine} with mode 644 in place of daemon:daemon 644`,
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

test("what is put there replaces a link and never writes through it", () => {
  const file = path("put");
  writeFileSync(path("victim"), "theirs\n");
  symlinkSync(path("victim"), file);
  symlinkSync(path("victim"), `${file}.new`);
  assert.equal(shell(`file_put ${quote(file)} 'ours' ${quote(`${mine} 640`)}`), "0 ");
  assert.equal(is(file, "ours", `${mine} 640`), "0 ");
  assert.equal(execFileSync("cat", [path("victim")], { encoding: "utf8" }), "theirs\n");
});

test("a folder that others may write into is no safe place, also with the sticky bit; above a folder of root's that one is", () => {
  const safe = (file: string): string =>
    shell(`path_is_safe ${quote(file)} || { echo "$path_wrong"; return 1; }`);
  const open = path("open");
  mkdirSync(join(open, "below"), { recursive: true });
  chmodSync(open, 0o777);
  const found = safe(join(open, "below", "not-there"));
  assert.match(
    found,
    process.getuid?.() === 0 ? /^1 \S+\/open may be written by others \(mode 777\)$/ : /^1 /,
  );
  assert.equal(safe("/usr/bin"), "0 ");
  for (const place of ["/tmp", "/tmp/sealift-not-there"])
    assert.equal(safe(place), "1 /tmp may be written by others (mode 1777)");
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

test("a process is what its unit says by its command line and its variables, whose values are not told", async () => {
  const path = "/usr/bin:/bin";
  const pid = await idle({ PATH: path, LANG: "C.UTF-8", INVOCATION_ID: "a", OTEL: "none" });
  assert.equal(runs(pid, "sleep 1000", `PATH=${path}`, "OTEL=none"), "0 ");
  assert.equal(runs(pid, "sleep 999", `PATH=${path}`), `1 process ${pid} runs as: sleep ...`);
  assert.equal(runs(pid, "sleep 1000", "PATH=/bin"), `1 process ${pid} has not the PATH of its unit`);
  const proxied = await idle({
    PATH: path,
    HTTP_PROXY: "http://me:secret@10.9.9.9:3128",
    "odd name": "secret",
  });
  assert.equal(
    runs(proxied, "sleep 1000", `PATH=${path}`),
    `1 process ${proxied} has variables that its unit does not give it: HTTP_PROXY, another one`,
  );
});

test("every address on which a process listens is found, and what others listen on is told apart", async () => {
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
    shell(`process_look ${pid}\nprocess_tcp\necho "$process_ports |$process_others "`);
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

test("a socket that another process is behind is told", async () => {
  const socket = path("engine.sock");
  const server = createServer().listen(socket);
  await once(server, "listening");
  server.unref();
  /** Whoever runs the test is the root of it, or nobody is. */
  const alone = (pid: number, root = true): string =>
    shell(`process_of_root() { ${root}; }\nprocess_look ${pid}\nprocess_alone_on ${quote(socket)}`);
  assert.equal(alone(process.pid), "0 ");
  assert.equal(alone(await idle({})), `1 another process listens on ${socket}: process ${process.pid}`);
  assert.equal(alone(await idle({}), false), `1 nobody listens on ${socket}`);
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
  assert.equal(alone(process.pid), `1 ${socket} is not there`);
});

test("who else listens is looked for among root's processes alone: what others hold open may be millions of files", () => {
  const root = path("host");
  for (const [pid, uid] of [
    [11, 0],
    [12, 1000],
  ] as const) {
    mkdirSync(join(root, "proc", `${pid}`, "fd"), { recursive: true });
    writeFileSync(join(root, "proc", `${pid}`, "status"), `Name:\tx\nUid:\t${uid}\t0\t0\t0\n`);
    symlinkSync("socket:[77]", join(root, "proc", `${pid}`, "fd", "3"));
  }
  const looked = shell(
    `SEALIFT_ROOT=${quote(root)}\ntimeout() { shift; "$@"; }\nfind() { echo "$@" >>${quote(path("looked"))}; }\nalone_others=" 77"\nalone_beside=\nprocess_alone_beside /run/x.sock\ncat ${quote(path("looked"))}`,
  );
  assert.match(looked, /\/proc\/11\/fd /);
  assert.doesNotMatch(looked, /\/proc\/12\/fd/);
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

test("an engine in a container that has a systemd of its own is not the host's", () => {
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

test("who listens is told in a time that grows as they do", () => {
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
  const asked = path("asked");
  writeFileSync(asked, "");
  const found = shell(
    `SEALIFT_ROOT=${quote(root)}\nSEALIFT_DOCKER=docker\ndocker() { echo "$@" >>${quote(asked)}; case $1 in ps) echo 1 ;; *) echo 127.0.0.9:2375 ;; esac; }\ntimeout() { shift; "$@"; }\nprocess_look 1\nprocess_tcp\nset -- $process_others\necho "$process_ports $#"\nlisteners_unsafe\nset -- $listeners_found\necho "$# $1"`,
  );
  assert.equal(found, `0  127.0.0.1:2375 ${count - 1}\n16 127.1.0.1:2375`);
  assert.equal(readFileSync(asked, "utf8").match(/^ps /gm)?.length, 1, "the engine is asked once");
});
