/** Hosts that create a swarm and join it, and hosts that must not: two engines on one segment. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { quote } from "../../modules/core/quote.ts";
import { joinSegment } from "../lab/guest-segment.ts";
import { startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";
import { shellFacts, type ShellFacts } from "../support/guests/shell-facts.ts";
import { undoAfter } from "../support/process/undo.ts";

const dataRoot = "/docker";
const [a, b] = ["10.9.0.1", "10.9.0.2"] as const;
let first: EngineInGuest;
let second: EngineInGuest;
const undo = undoAfter();
before(async () => {
  [first, second] = await Promise.all([startEngine("swarm-member-a"), startEngine("swarm-member-b")]);
  undo(() => first.end());
  undo(() => second.end());
  await joinSegment(
    { guest: first.on.guest, address: `${a}/24` },
    { guest: second.on.guest, address: `${b}/24` },
  );
  for (const engine of [first, second]) {
    const { revision, text } = await engine.on.run("apply", engine.daemon({ "live-restore": false }));
    assert.ok(revision, text);
  }
});

const onFirst: ShellFacts = shellFacts(() => first.on);
const onSecond: ShellFacts = shellFacts(() => second.on);
const created = ["swarm_created", dataRoot, "plant-1", a, "172.29.0.0/16", "24", "4790", "8760h"] as const;
const joined = (ca: string, token: string) => ["swarm_joined", dataRoot, "plant-1", b, ca, token, a] as const;
const valueOn = async (engine: EngineInGuest, name: string, ...args: string[]): Promise<string> => {
  const { exitCode, output } = await engine.on.call(`value_${name}`, ...args);
  assert.equal(exitCode, 0, output);
  return output;
};

describe("members of a swarm", () => {
  let [ca, token] = ["", ""];

  test("without a swarm a host says so, and nothing is created by a check", async () => {
    assert.equal(await valueOn(first, "swarm_state", dataRoot), "inactive worker - ?");
    await onFirst.finds("the host is a member of no swarm", ...created);
    await onFirst.allows(...created);
    await onFirst.finds("the host manages no swarm yet", "swarm_invitation", a, b);
    await onSecond.finds("the host is a member of no swarm", ...joined("unknown", "unknown"));
  });

  test("a swarm is created with the site's pool, port and name, and is known by its CA", async () => {
    await onFirst.applies(...created);
    ca = await valueOn(first, created[0], ...created.slice(1));
    assert.match(ca, /^[0-9a-f]{64}$/);
    assert.equal(await valueOn(first, "swarm_state", dataRoot), `active manager ${ca} plant-1`);
    const certificate = `${dataRoot}/swarm/certificates/swarm-node.crt`;
    await first.on.root(`openssl x509 -noout -checkend ${300 * 24 * 60 * 60} -in ${certificate}`);
    const info = await first.docker("info --format '{{json .Swarm.Cluster}}'");
    assert.match(info, /"DefaultAddrPool":\["172\.29\.0\.0\/16"\],"SubnetSize":24/);
    assert.match(info, /"DataPathPort":4790/);
    assert.match(await first.on.root("ss -Hltn"), /10\.9\.0\.1:2377 /);
    assert.doesNotMatch(await first.on.root("ss -Hltn"), /(\*|0\.0\.0\.0|\[::\]):2377 /);
  });

  test("a run that was cut before the swarm had its name goes on", async () => {
    await first.docker("config rm sealift-swarm");
    await onFirst.finds("the swarm of the host has no name", ...created);
    await onFirst.refuses(
      /^E_SWARM_MEMBER the host manages a swarm that Sealift has not created; fix: .*sealift-swarm -;/,
      ...created,
    );
    await first.on.root("sh -c 'echo plant-1 >/var/lib/sealift/swarm-creating'");
    assert.equal(await valueOn(first, "swarm_state", dataRoot), `active manager ${ca} plant-1`);
    await onFirst.applies(...created);
    await first.on.root("test ! -e /var/lib/sealift/swarm-creating");
    // Its first node has got another certificate again.
    ca = await valueOn(first, created[0], ...created.slice(1));
  });

  test("a swarm of another name is another swarm", async () => {
    const other = [...created.slice(0, 2), "plant-2", ...created.slice(3)];
    await onFirst.finds("the swarm of the host has the name plant-1", other[0] ?? "", ...other.slice(1));
    await onFirst.refuses(/^E_SWARM_MEMBER /, other[0] ?? "", ...other.slice(1));
  });

  test("a host that is missing is invited, and joins with the token, which is on no command line", async () => {
    await onFirst.finds(`no node of the swarm has the address ${b}`, "swarm_invitation", a, b);
    assert.equal(await valueOn(first, "swarm_invitation", a, b), "");
    await onFirst.applies("swarm_invitation", a, b);
    token = await valueOn(first, "swarm_invitation", a, b);
    assert.match(token, /^SWMTKN-1-/);
    await onSecond.finds("the host is a member of no swarm", ...joined(ca, "unknown"));
    const { exitCode, output } = await second.on.call(
      "apply_swarm_joined",
      ...joined(ca, "unknown").slice(1),
    );
    assert.deepEqual([exitCode, /no manager has invited the host/.test(output)], [1, true], output);
    // Whatever hands it to the engine is started by this one.
    const input = '#!/bin/sh\necho "$@" >>/run/perl-words\nexec /usr/bin/perl "$@"\n';
    await second.on.guest.exec("sudo -n install -m 0755 /dev/stdin /usr/local/sbin/perl", { input });
    await onSecond.applies(...joined(ca, token));
    const words = await second.on.root("cat /run/perl-words");
    assert.match(words, /POST \/swarm\/join/);
    assert.doesNotMatch(words, /SWMTKN/);
    await second.on.root("rm /usr/local/sbin/perl");
    assert.equal(await valueOn(second, "swarm_state", dataRoot), `active worker ${ca} ?`);
    assert.equal((await first.docker("node ls --format '{{.Status}}'")).trim(), "Ready\nReady");
    await first.on.root("rm /run/sealift/swarm-invited");
    await onFirst.holds("swarm_invitation", a, b);
  });

  test("a token that was replaced lets nobody in, and the engine's answer quotes no token", async () => {
    await second.docker("swarm leave --force");
    await first.on.root("docker swarm join-token --rotate --quiet worker >/dev/null");
    const { exitCode, output } = await second.on.call("apply_swarm_joined", ...joined(ca, token).slice(1));
    assert.equal(exitCode, 1, output);
    assert.match(output, /^the host did not join: /);
    assert.doesNotMatch(output, /SWMTKN/);
    assert.equal(await valueOn(second, "swarm_state", dataRoot), "inactive worker - ?");
  });

  test("what an interrupted attempt to join has left is dropped: an attempt that goes on, and a swarm of the host alone", async () => {
    const marker = "/var/lib/sealift/swarm-joining";
    const valid = (await first.docker("swarm join-token --quiet worker")).trim();
    // Nobody has this address, so that the engine goes on trying.
    const attempt = `timeout 60 docker swarm join --token ${valid} --advertise-addr ${b} 10.9.0.9:2377`;
    const alone = `docker swarm init --advertise-addr ${b}`;
    for (const [left, state] of [
      [`${attempt} || true`, /^(pending|error) worker - \?$/],
      [alone, /^inactive worker - \?$/],
    ] as const) {
      await second.on.root(`rm -f ${marker}; ${left}`);
      await onSecond.refuses(/^E_SWARM_MEMBER /, ...joined(ca, valid));
      await second.on.root(`touch ${marker}`);
      assert.match(await valueOn(second, "swarm_state", dataRoot), state);
      await onSecond.finds("an attempt of the host to join was interrupted", ...joined(ca, valid));
      await onSecond.allows(...joined(ca, valid));
      if (left === alone) {
        await second.docker("service create --detach --no-resolve-image --replicas 0 --name theirs x");
        await onSecond.refuses(/^E_SWARM_MEMBER the host is a member of another swarm/, ...joined(ca, valid));
        await second.docker("service rm theirs");
      }
      await onSecond.applies(...joined(ca, valid));
      await second.on.root(`test ! -e ${marker}`);
      assert.equal(await valueOn(second, "swarm_state", dataRoot), `active worker ${ca} ?`);
      await second.docker("swarm leave --force");
    }
    await first.on.root("docker node ls --quiet --filter role=worker | xargs docker node rm --force");
    await onSecond.applies(...joined(ca, valid));
    await first.on.root(
      `timeout 60 sh -c 'until [ "$(docker node ls --format "{{.Status}}" | sort -u)" = Ready ]; do sleep 0.2; done'`,
    );
    await second.docker("swarm leave --force");
  });

  test("a node that is down is invited again only if its host runs without a member", async () => {
    const down = `the node with the address ${b} is down, and its host has no member of a swarm`;
    await first.on.root(
      `sh -c 'until docker node ls --format "{{.Status}}" | grep -q Down; do sleep 1; done'`,
    );
    await onFirst.finds(down, "swarm_invitation", a, b);
    // The engine may hold the port for some seconds after it has left.
    const listener =
      "use IO::Socket::INET; my $s; until ($s = IO::Socket::INET->new(Listen => 5, LocalPort => 7946, ReuseAddr => 1)) { sleep 1 } while (my $c = $s->accept) {}";
    await second.on.root(`systemd-run --quiet --unit member-7946 perl -e ${quote(listener)}`);
    await second.on.root(
      "timeout 60 sh -c 'until ss -Hltnp | grep :7946 | grep -q perl; do sleep 0.1; done'",
    );
    await onFirst.holds("swarm_invitation", a, b);
    await second.on.root("systemctl stop member-7946");
    await onFirst.finds(down, "swarm_invitation", a, b);
    // As if the host were switched off.
    await first.on.root(`ip route add blackhole ${b}/32`);
    await onFirst.holds("swarm_invitation", a, b);
    await first.on.root(`ip route del blackhole ${b}/32`);
  });

  test("a member of another swarm on the same segment is refused, and stays in its own", async () => {
    await second.docker(`swarm init --advertise-addr ${b} --default-addr-pool 172.30.0.0/16`);
    await onSecond.finds(/^the host is a member of another swarm \(CA sha256 /, ...joined(ca, token));
    await onSecond.refuses(/^E_SWARM_MEMBER the host is a member of another swarm/, ...joined(ca, token));
    assert.equal((await second.docker("node ls --quiet")).trim().split("\n").length, 1);
    assert.equal((await first.docker("node ls --format '{{.Status}}'")).trim().split("\n").length, 2);
  });

  test("while its engine is down, a member of this swarm is not refused: the run starts the engine", async () => {
    await first.on.root("systemctl stop docker.socket docker.service");
    assert.equal(await valueOn(first, "swarm_state", dataRoot), `down unknown ${ca} ?`);
    const down = "the host has files of a swarm, and its engine does not answer";
    await onFirst.finds(down, ...created);
    await onFirst.allows(...created);
    const { exitCode, output } = await first.on.call("apply_swarm_created", ...created.slice(1));
    assert.deepEqual([exitCode, output], [1, down]);
    const own = ["swarm_joined", dataRoot, "plant-1", a, ca, "unknown", b] as const;
    await onFirst.finds(down, ...own);
    await onFirst.allows(...own);
    await first.on.root("systemctl start docker.socket docker.service");
    await onFirst.allows(...created);
    await onFirst.applies(...own);
    await onFirst.applies(...created);
  });

  test("while its engine is down, a member of another swarm is known by its CA on disk, and joins nothing", async () => {
    await second.on.root("systemctl stop docker.socket docker.service");
    const known = await valueOn(second, "swarm_state", dataRoot);
    assert.match(known, /^down unknown [0-9a-f]{64} \?$/);
    assert.notEqual(known.split(" ")[2], ca);
    await onSecond.refuses(
      /^E_SWARM_MEMBER the host has files of a swarm, and its engine does not answer/,
      ...joined(ca, token),
    );
    await second.on.root("systemctl start docker.socket docker.service");
  });
});
