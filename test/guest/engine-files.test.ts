import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { buffer } from "node:stream/consumers";
import { startFunctions, type Called, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { container } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Installs and checks programs on a guest, from an archive of a few bytes with the layout of Docker's. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("engine-files", container());
  undo(() => on.end());
});

const programs = {
  containerd: "#!/bin/sh\necho containerd github.com/containerd/containerd/v2 v2.2.0 abc\n",
  docker: "#!/bin/sh\necho docker\n",
  runc: "#!/bin/sh\necho runc\n",
};
const sha256 = (bytes: string | Buffer): string => createHash("sha256").update(bytes).digest("hex");
const members = Object.entries(programs).map(([name, text]) => `${sha256(text)}:${name}`);
const bin = "/opt/docker/1.2.3/bin";

async function archive(): Promise<Buffer> {
  const tar = pack();
  for (const [name, text] of Object.entries(programs))
    tar.entry({ name: `docker/${name}`, mode: 0o755 }, text);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

/** Puts a blob where Pulumi's copy puts it. */
async function deliver(bytes: string | Buffer, name = sha256(bytes)): Promise<string> {
  await on.guest.exec(`mkdir -p .sealift/blobs && cat >.sealift/blobs/${name}`, { input: bytes });
  return name;
}

const holds: Called = { exitCode: 0, output: "" };

test("a blob is kept only with the bytes of the lock", async () => {
  const bytes = await archive();
  const call = ["stored_blob", sha256(bytes), String(bytes.length)] as const;
  const [name, ...args] = call;
  assert.deepEqual(await on.call(`check_${name}`, ...args), { exitCode: 1, output: "absent" });
  assert.match(
    (await on.call(`apply_${name}`, ...args)).output,
    /~\/\.sealift\/blobs\/\w{64} is missing after the copy/,
  );
  await deliver("something else", sha256(bytes));
  assert.match(
    (await on.call(`apply_${name}`, ...args)).output,
    /the copied file has sha256 \w{64} and was removed/,
  );
  assert.match((await on.call(`apply_${name}`, ...args)).output, /is missing after the copy/);
  await deliver(bytes);
  assert.deepEqual(await on.call(`apply_${name}`, ...args), holds);
  assert.deepEqual(await on.call(`check_${name}`, ...args), holds);
  // Permissions are part of the fact; correcting them needs no download.
  for (const [by, found] of [
    ["chmod 0666", "owner and mode root:root 666"],
    ["chown games", "owner and mode games:root 644"],
  ]) {
    await on.root(`${by} /var/lib/sealift/blobs/${sha256(bytes)}`);
    const output = `${found} instead of root:root 644`;
    assert.deepEqual(await on.call(`check_${name}`, ...args), { exitCode: 1, output });
    assert.deepEqual(await on.call(`apply_${name}`, ...args), holds);
    assert.deepEqual(await on.call(`check_${name}`, ...args), holds);
  }
  await on.root(`truncate -s 7 /var/lib/sealift/blobs/${sha256(bytes)}`);
  assert.deepEqual(await on.call(`check_${name}`, ...args), { exitCode: 1, output: "7 bytes" });
});

test("files: absent, installed, one altered, only that one replaced", async () => {
  const bytes = await archive();
  await deliver(bytes);
  await on.call("apply_stored_blob", sha256(bytes), String(bytes.length));
  const args = ["1.2.3", sha256(bytes), ...members];
  assert.deepEqual(await on.call("check_engine_files", ...args), {
    exitCode: 1,
    output: `in ${bin}: containerd is absent, docker is absent, runc is absent`,
  });
  assert.deepEqual(await on.call("apply_engine_files", ...args), holds);
  assert.deepEqual(await on.call("check_engine_files", ...args), holds);
  const inodes = await on.root(`stat -c %i ${bin}/docker ${bin}/runc`);
  await on.root(`echo '#' >>${bin}/runc; chmod -x ${bin}/containerd`);
  assert.deepEqual(await on.call("check_engine_files", ...args), {
    exitCode: 1,
    output: `in ${bin}: containerd is of root:root with mode 644, runc is altered`,
  });
  assert.deepEqual(await on.call("apply_engine_files", ...args), holds);
  assert.deepEqual(await on.call("check_engine_files", ...args), holds);
  const after = await on.root(`stat -c %i ${bin}/docker ${bin}/runc`);
  assert.equal(after.split("\n")[0], inodes.split("\n")[0]);
  assert.notEqual(after.split("\n")[1], inodes.split("\n")[1]);
});

test("a file is read again only if it may have changed, after a day, or if everything must be read", async () => {
  const check = async (deep = ""): Promise<Called> => {
    const files = ["check_engine_files", "1.2.3", "any", ...members].join(" ");
    const { stdout, exitCode } = await on.guest.exec(`sudo -n sh -s`, {
      input: `${deep}\n. /run/sealift-library.sh\nset -eu\n${files}\n`,
    });
    return { exitCode, output: stdout.trim() };
  };
  const altered = { exitCode: 1, output: `in ${bin}: runc is altered` };
  /** The bytes of the file without its ctime, as only a disk that forgets can change them: by the notes alone. */
  const pretend = (sed: string): Promise<string> => on.root(`sed -i '${sed}' /run/sealift/hashes`);
  assert.deepEqual(await check(), holds);
  assert.match(
    await on.root("cat /run/sealift/hashes"),
    new RegExp(`^${bin}/runc ${sha256(programs.runc)} \\d+ \\d+ 20 `, "m"),
  );

  // Same size, same inode, same mtime: only the ctime shows it.
  await on.root(
    `touch -r ${bin}/runc /run/then; printf '#!/bin/sh\\necho ruin\\n' >${bin}/runc; touch -d "$(stat -c %y /run/then)" ${bin}/runc`,
  );
  assert.deepEqual(await check(), altered);
  assert.doesNotMatch(
    await on.root("cat /run/sealift/hashes"),
    /runc/,
    "what was wrong is not believed again",
  );

  // A note that says that these very bytes were right a minute ago.
  const stat = (await on.root(`stat -c '%i %s %y %z %U:%G %a %F' ${bin}/runc`)).trim();
  const up = Number((await on.root("cut -d . -f 1 /proc/uptime")).trim());
  await on.root(`echo '${bin}/runc ${sha256(programs.runc)} ${up - 60} ${stat}' >>/run/sealift/hashes`);
  assert.deepEqual(await check(), holds, "a fresh note is believed");
  assert.deepEqual(await check("SEALIFT_DEEP=1"), altered, "not when everything is to be read");
  await on.root(`echo '${bin}/runc ${sha256(programs.runc)} ${up - 90_000} ${stat}' >>/run/sealift/hashes`);
  assert.deepEqual(await check(), altered, "nor when it is older than a day");

  await pretend("d");
  await on.root(`printf '#!/bin/sh\\necho runc\\n' >${bin}/runc`);
  assert.deepEqual(await check(), holds);
});

test("if others can write above it, root writes nothing there and runs no program", async () => {
  const bytes = await archive();
  const calls: readonly (readonly [pair: string, ...args: string[]])[] = [
    ["engine_files", "1.2.3", sha256(bytes), ...members],
    ["engine_plugin", "compose", "1.0.0", sha256(programs.docker)],
    ["registry_program", "3.1.1", sha256(bytes), "registry", sha256(programs.docker)],
    ["daemon_file", '"debug": true'],
  ];
  const below = "find /opt /etc/docker /usr/local/lib/docker -printf '%p %i %m %C@\\n' 2>/dev/null | sort";
  await on.root("chmod 0777 /opt");
  const before = await on.root(`${below}; true`);
  for (const [pair, ...args] of calls)
    for (const kind of ["guard", "apply"]) {
      const { exitCode, output } = await on.call(`${kind}_${pair}`, ...args);
      assert.equal(exitCode, 1, `${kind}_${pair}: ${output}`);
      assert.match(
        output,
        /^E_(UNMANAGED_ENGINE|REFUSED) root would run programs from \/opt\/(docker|registry), but \/opt is writable by others \(mode 777\); /,
      );
    }
  assert.equal(await on.root(`${below}; true`), before);
  // Sealift corrects the folder itself.
  await on.root("chmod 0755 /opt; chmod 0777 /opt/docker");
  const args = ["1.2.3", sha256(bytes), ...members];
  assert.equal(
    (await on.call("check_engine_files", ...args)).output,
    "/opt/docker is writable by others (mode 777)",
  );
  await deliver(bytes);
  await on.call("apply_stored_blob", sha256(bytes), String(bytes.length));
  assert.deepEqual(await on.call("apply_engine_files", ...args), holds);
  assert.deepEqual(await on.call("check_engine_files", ...args), holds);
  // What leads elsewhere by another's folder is no place to run anything from.
  await on.root(`mkdir -m 0777 /srv/open && mv ${bin} /srv/open/bin && ln -s /srv/open/bin ${bin}`);
  const elsewhere = await on.call("apply_engine_files", ...args);
  assert.deepEqual(elsewhere, { exitCode: 1, output: "/srv/open is writable by others (mode 777)" });
});
