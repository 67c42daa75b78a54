/** Secrets on a real host, fact by fact: decrypted, broken by hand, found, repaired; there before the engine after a boot; and what is refused. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { HostSecret } from "../../modules/core/host/blob.ts";
import type { Step } from "../../modules/core/host/step.ts";
import { restartGuest } from "../lab/guest.ts";
import { loadImage } from "../support/guests/engine-in-guest.ts";
import { startSecrets, type SecretsInGuest } from "../support/guests/secrets-in-guest.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { type ShellFunctions, shellOn } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";

const open = "/run/sealift/secrets";
const store = "/var/lib/sealift/secrets";
const plaintext = "hunter2-PLAINTEXT";

describe("secrets of applications", () => {
  let world: SecretsInGuest;
  let on: ShellFunctions;
  let password: HostSecret;
  let token: HostSecret;
  let image: string;
  const undo = undoAfter();
  before(async () => {
    world = await startSecrets("secrets");
    on = world.engine.on;
    undo(async () => {
      if (on !== world.engine.on) await on.end();
      await world.end();
    });
    const { revision, text } = await on.run("apply", world.engine.daemon());
    assert.ok(revision, text);
    image = await loadImage(world.engine);
    password = await world.deliver("db_password", plaintext);
    token = await world.deliver("token", `${plaintext}-2\n`, { owner: "0:0", mode: "0440" });
  });
  const { finds, holds, applies, refuses } = shellFacts(() => on);
  const root = (command: string): Promise<string> => on.root(command);
  const fileOf = ({ app, name, sha256 }: HostSecret): string =>
    `${open}/${app}/${name}.${sha256.slice(0, 8)}`;
  const steps = (): readonly Step[] => world.steps(password, token);
  const call = (code: string): Step["call"] => {
    const step = steps().find((one) => one.code === `secrets.${code}` || one.code === code);
    assert.ok(step, code);
    return step.call;
  };

  test("on a host without any, every fact is made true, in order, and then holds", async () => {
    const before = await on.run("check", steps());
    assert.deepEqual(
      before.steps.map(({ code, status }) => `${code} ${status}`),
      [
        "secrets.key ok",
        ...["archive", "program", "unit", "shop.db_password", "shop.token", "service"].map(
          (what) => `secrets.${what} drift`,
        ),
        "prune.secrets ok",
      ],
    );
    const made = await on.run("apply", steps());
    assert.ok(made.revision, made.text);
    const again = await on.run("check", steps());
    assert.deepEqual(
      again.steps.filter(({ status }) => status !== "ok"),
      [],
    );
    assert.equal(await root(`cat ${fileOf(password)}`), plaintext);
    assert.equal(await root(`cat ${fileOf(token)}`), `${plaintext}-2\n`);
    assert.equal(
      await root(
        `stat -c '%u:%g %a' ${fileOf(password)} ${fileOf(token)} ${open} ${open}/shop ${store} ${store}/*`,
      ),
      "999:998 400\n0:0 440\n0:0 700\n0:0 700\n0:0 700\n0:0 600\n0:0 600\n0:0 600\n",
    );
    assert.equal((await root(`stat -f -c %T ${open}`)).trim(), "tmpfs");
    assert.equal(await on.guest.exec("ls .sealift/blobs").then(({ stdout }) => stdout), "");
  });

  test("only its owner in the container reads it; on the host only root gets there", async () => {
    const mount = `--mount type=bind,source=${fileOf(password)},target=/run/secrets/db_password,readonly`;
    const docker = `docker run --rm --network none ${mount}`;
    assert.equal(await root(`${docker} --user 999:998 ${image} cat /run/secrets/db_password`), plaintext);
    await root(`! ${docker} --user 1234 --cap-drop ALL ${image} cat /run/secrets/db_password 2>&1`);
    await root(`! runuser -u nobody -- cat ${fileOf(token)}`);
  });

  /** A manual change, and what the check of the secret reports then. */
  const breakages: readonly [string, () => string, RegExp][] = [
    ["removed", () => `rm ${fileOf(password)}`, /db_password\.\w{8} is absent$/],
    [
      "another owner",
      () => `chown 1000:1000 ${fileOf(password)}`,
      /has owner and mode 1000:1000 400 instead of 999:998 400$/,
    ],
    ["readable for all", () => `chmod 0444 ${fileOf(password)}`, /999:998 444 instead of 999:998 400$/],
    ["other content", () => `printf x >>${fileOf(password)}`, /db_password\.\w{8} has other content$/],
    ["a link", () => `ln -sf /etc/hostname ${fileOf(password)}`, /db_password\.\w{8} is a symbolic link$/],
    [
      "its folder open to others",
      () => `chmod 0755 ${open}`,
      /has owner and mode root:root 755 instead of root:root 700$/,
    ],
    ["nothing decrypted", () => `rm -r ${open}`, /secrets is absent$/],
    ["the encrypted file altered", () => `printf x >>${store}/${password.sha256}`, /is altered$/],
    [
      "the encrypted file readable for all",
      () => `chmod 0644 ${store}/${password.sha256}`,
      /root:root 644 instead/,
    ],
    [
      "not listed for the next boot",
      () => `sed -i /db_password/d ${store}/list`,
      /would not be decrypted at boot/,
    ],
  ];
  for (const [name, command, finding] of breakages)
    test(`found and repaired: ${name}`, async () => {
      await root(command());
      await finds(finding, ...call("shop.db_password"));
      if (name.includes("altered")) await world.deliver("db_password", plaintext).then(redelivered);
      await applies(...call("shop.db_password"));
      for (const what of ["shop.token", "prune.secrets"]) await applies(...call(what));
      assert.equal(await root(`cat ${fileOf(password)}`), plaintext);
    });

  /** age encrypts the same text differently each time. */
  function redelivered(again: HostSecret): void {
    password = again;
  }

  test("what an error shows of a container that prints its secret has stars instead", async () => {
    const labels = "--label com.docker.compose.project=shop --label com.docker.compose.oneoff=False";
    const mount = `--mount type=bind,source=${fileOf(password)},target=/s,readonly`;
    await root(
      `! docker run --name talks --network none --user 999:998 ${labels} ${mount} ${image} sh -c "echo connecting; cat /s; echo; exit 3" >/dev/null 2>&1`,
    );
    assert.match(await root("docker logs talks"), new RegExp(`^connecting\n${plaintext}$`, "m"));
    const { output } = await on.call("app_troubles", "shop");
    assert.match(output, /^talks: exited, .*\ntalks: log: connecting\ntalks: log: \*\*\*$/);
    await root("docker rm talks");
  });

  test("content is repaired in the file that a running container has", async () => {
    const target = `target=/s,readonly`;
    await root(
      `docker run --detach --name reader --network none --user 999:998 --mount type=bind,source=${fileOf(password)},${target} ${image} sleep 1000`,
    );
    await root(`printf forged >${fileOf(password)}; chown 0:0 ${fileOf(password)}`);
    await applies(...call("shop.db_password"));
    assert.equal(await root("docker exec reader cat /s"), plaintext);
    await root("docker rm --force reader");
  });

  const unitBreakages: readonly [string, string, RegExp][] = [
    [
      "the unit edited",
      "sed -i /MemoryDeny/d /etc/systemd/system/sealift-secrets.service",
      /service is altered$/,
    ],
    ["the script edited", "sed -i 's/umask 077/umask 022/' /opt/sealift/secrets/open", /open is altered$/],
    ["disabled", "systemctl disable --quiet sealift-secrets", /is disabled, so it would not start at boot$/],
    ["age altered", "printf x >>/opt/sealift/age/1.3.1/age", /age is altered$/],
  ];
  for (const [name, command, finding] of unitBreakages)
    test(`found and repaired: ${name}`, async () => {
      await root(command);
      const what = name.startsWith("age") ? "program" : "unit";
      await finds(finding, ...call(what));
      await applies(...call(what));
    });

  test("a drop-in of somebody else is refused by name", async () => {
    const folder = "/etc/systemd/system/sealift-secrets.service.d";
    await root(`mkdir ${folder} && printf '[Service]\\nUMask=0\\n' >${folder}/other.conf`);
    await refuses(/^E_UNMANAGED_UNIT .*sealift-secrets\.service\.d\/other\.conf; /, ...call("unit"));
    await root(`rm -r ${folder} && systemctl daemon-reload`);
    await holds(...call("unit"));
  });

  test("the unit is hardened: exposure of at most 2", async () => {
    const text = await root("systemd-analyze security --no-pager sealift-secrets | tail -n 1");
    console.log(text.trim());
    assert.ok(Number(/: ([\d.]+) /.exec(text)?.[1]) <= 2, text);
  });

  test("a secret that is encrypted for another host is refused with age's words, and nothing else is changed", async () => {
    const { stdout } = await on.guest.exec(
      "rm -f other && ssh-keygen -q -t ed25519 -N '' -f other && cat other.pub",
    );
    const other = await world.deliver("db_password", plaintext, { keys: [stdout.trim()] });
    const [, ...args] =
      world.steps(other).find(({ code }) => code === "secrets.shop.db_password")?.call ?? [];
    const { exitCode, output } = await on.call("apply_secret", ...args);
    assert.equal(exitCode, 1);
    assert.match(
      output,
      /^E_SECRET_DECRYPT \/etc\/ssh\/ssh_host_ed25519_key does not decrypt it: no identity matched any of the recipients; fix: encrypt it for this host: sealift secret rekey$/,
    );
    await refuses(/^E_SECRET_DECRYPT /, "secret", ...args);
    await finds(/would not be decrypted at boot/, "secret", ...args);
    await holds(...call("shop.db_password"));
    await finds(`no application of the site uses: ${store}/${other.sha256}`, ...call("prune.secrets"));
    await applies(...call("prune.secrets"));
  });

  test("another key where age reads the host's own is refused before anything is decrypted", async () => {
    const key = "/etc/ssh/ssh_host_ed25519_key";
    await root(`mv ${key} ${key}.kept && cp ~ops/other ${key} && chmod 0600 ${key}`);
    await refuses(
      /^E_SECRET_DECRYPT .* is another key: ssh-ed25519 AAAA\S+; fix: pin the key/,
      ...call("key"),
    );
    await root(`rm ${key}`);
    await refuses(/^E_SECRET_DECRYPT .*ed25519_key is absent or cannot be read; /, ...call("key"));
    await root(`mv ${key}.kept ${key}`);
    await holds(...call("key"));
  });

  test("an earlier secret stays while a release names it, and goes afterwards", async () => {
    const earlier = password;
    password = await world.deliver("db_password", `${plaintext}-new`);
    const release = "/svc/apps/shop/releases/1-00000000";
    await root(`mkdir -p ${release} && echo "file: ${fileOf(earlier)}" >${release}/sealift.override.yaml`);
    await applies(...call("shop.db_password"));
    await holds(...call("prune.secrets"));
    assert.equal(await root(`cat ${fileOf(earlier)} ${fileOf(password)}`), `${plaintext}${plaintext}-new`);
    await root("rm -r /svc/apps");
    await finds(
      `no application of the site uses: ${store}/${earlier.sha256} ${fileOf(earlier)}`,
      ...call("prune.secrets"),
    );
    await applies(...call("prune.secrets"));
    await root(`! ls ${fileOf(earlier)} && ! grep ${earlier.sha256} ${store}/list`);
    await holds(...call("shop.db_password"));
  });

  test("after a change of the host key, the secret that an earlier release keeps does not make the unit fail", async () => {
    const key = "/etc/ssh/ssh_host_ed25519_key";
    const { stdout } = await on.guest.exec(
      "rm -f next && ssh-keygen -q -t ed25519 -N '' -f next && cat next.pub",
    );
    const keys = [stdout.trim()];
    const earlier = password;
    const release = "/svc/apps/shop/releases/1-00000000";
    await root(`mkdir -p ${release} && echo "file: ${fileOf(earlier)}" >${release}/sealift.override.yaml`);
    await root(`mv ${key} ${key}.kept && cp ~ops/next ${key} && chmod 0600 ${key}`);
    password = await world.deliver("db_password", `${plaintext}-new`, { keys });
    token = await world.deliver("token", `${plaintext}-2\n`, { keys, owner: "0:0", mode: "0440" });
    for (const what of ["shop.db_password", "shop.token"]) await applies(...call(what));
    // As at a boot: nothing is decrypted yet.
    await root(`rm -r ${open}/shop && systemctl restart sealift-secrets`);
    await holds(...call("service"));
    assert.equal(await root(`cat ${fileOf(password)}`), `${plaintext}-new`);
    assert.equal(await root(`ls ${fileOf(earlier)} 2>/dev/null; true`), "");
    assert.match(
      await root("journalctl --no-pager -u sealift-secrets -o cat"),
      /warning: secret db_password\.\w{8} of shop was not decrypted; only an earlier release of shop uses it/,
    );
    await applies(...call("prune.secrets"));
    await root(`grep -qx 'shop db_password.* ${earlier.sha256} .* kept' ${store}/list`);
    // One that the site needs is still a failure.
    await root(`rm ${key} && mv ${key}.kept ${key}`);
    await root(`rm -r ${open}/shop && ! systemctl restart sealift-secrets 2>/dev/null`);
    await finds(/^sealift-secrets\.service is failed$/, ...call("service"));
    await root("rm -r /svc/apps");
    password = await world.deliver("db_password", `${plaintext}-new`);
    token = await world.deliver("token", `${plaintext}-2\n`, { owner: "0:0", mode: "0440" });
    for (const what of ["shop.db_password", "shop.token", "service", "prune.secrets"])
      await applies(...call(what));
  });

  test("after a boot without an operator the secrets are there before the engine, and containers have them", async () => {
    await root(
      `docker run --detach --name boot --restart always --network none --user 999:998 --mount type=bind,source=${fileOf(password)},target=/s,readonly ${image} sleep 1000`,
    );
    // A container whose secret cannot be decrypted does not start; the engine and the others do.
    await root(
      `cp ${fileOf(token)} ${open}/shop/lost.00000000; docker run --detach --name lost --restart always --network none --mount type=bind,source=${open}/shop/lost.00000000,target=/s,readonly ${image} sleep 1000`,
    );
    await root(`echo "shop lost.00000000 ${"0".repeat(64)} 0:0 0400 needed" >>${store}/list; sync`);
    await on.guest.kill();
    on = await shellOn(await restartGuest("secrets", "off"));
    await root("timeout 60 sh -c 'until docker info >/dev/null 2>&1; do sleep 0.1; done'");
    assert.equal(await root("docker inspect --format '{{.State.Running}}' boot lost"), "true\nfalse\n");
    assert.equal(await root("docker exec boot cat /s"), `${plaintext}-new`);
    const times =
      "systemctl show -P ExecMainExitTimestampMonotonic sealift-secrets; systemctl show -P ExecMainStartTimestampMonotonic docker";
    const [opened = 0, engine = 0] = (await root(times)).trim().split("\n").map(Number);
    assert.ok(opened > 0 && opened < engine, `${opened} ${engine}`);
    await finds(/^sealift-secrets\.service is failed$/, ...call("service"));
    await applies(...call("prune.secrets"));
    await applies(...call("service"));
    const again = await on.run("check", steps());
    assert.deepEqual(
      again.steps.filter(({ status }) => status !== "ok").map(({ code, found }) => `${code} ${found}`),
      [],
    );
  });

  test("no plaintext on a disk, in the journals or on a command line while everything is decrypted again", async () => {
    await on.guest.exec("sudo -n tee /run/words", { input: plaintext });
    const watch =
      "while [ ! -e /run/watched ]; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; done >/run/seen\n";
    await on.guest.exec("sudo -n tee /run/watch", { input: watch });
    await root(`rm -f /run/watched; (setsid sh /run/watch >/dev/null 2>&1 &); rm -r ${open}`);
    const { revision, text } = await on.run("apply", steps());
    assert.ok(revision, text);
    assert.doesNotMatch(text, new RegExp(plaintext));
    await root("touch /run/watched; journalctl --sync");
    assert.match(await root("tr '\\0' ' ' </run/seen | grep -a -c 'age --decrypt'"), /^[1-9]/);
    const places = "/run/seen /etc /home /opt /root /srv /tmp /usr/local /var";
    assert.equal(await root(`grep -arlF -f /run/words ${places}; true`), "");
    assert.equal(await root("journalctl --no-pager -a -o cat | grep -F -f /run/words; true"), "");
  });
});
