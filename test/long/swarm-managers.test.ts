/** The engines of a swarm, one host after the other, under a service that answers all the time. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startAgent, type Agent } from "../lab/agent.ts";
import { imageArchive } from "../lab/bundle/image-archive.ts";
import { addressOf, startSegment } from "../lab/demo/segment-site.ts";
import { removeGuest, type Guest } from "../lab/guest.ts";
import { container } from "../lab/machine-choice.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { pulumiEnv } from "../lab/pulumi/pulumi-env.ts";
import { freshStack, pulumi, type PulumiRun } from "../lab/pulumi/pulumi.ts";
import { labSite, removeStackFile, writeStack } from "../lab/pulumi/stack.ts";

const stack = "lab-swarm-managers";
const names = ["manager-a", "manager-b", "manager-c"] as const;
type Name = (typeof names)[number];
let lab: Lab;
let guests: readonly Guest[];
let agent: Agent;
let env: Readonly<Record<string, string>>;
/** Two engines of one minor version. */
let [first, next] = ["", ""];

before(async () => {
  lab = await prepareLab("all");
  [first = "", next = ""] = lab.bundle.engines
    .filter(({ origin }) => origin === "built from Go modules")
    .map(({ version }) => version);
  guests = await startSegment(names, container("/data"));
  agent = await startAgent(guests[0]?.identityFile ?? "");
  env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  await writeSite(first);
  await freshStack(stack, env);
});

after(async () => {
  await pulumi(["stack", "rm", "--yes", "--force", stack], { env });
  await removeStackFile(stack);
  for (const name of names) await removeGuest(name);
  await agent.stop();
});

async function writeSite(version: string): Promise<void> {
  const site = await labSite(guests, lab.bundle);
  site.engine.version = version;
  const addresses = Object.fromEntries(names.map((name, at) => [name, addressOf(at)]));
  const swarm = { name: "plant-1", managers: names, addresses, managersRunTasks: true };
  await writeStack(
    stack,
    Object.assign(site, { swarm: { ...swarm, addressPool: { base: "172.29.0.0/16" } } }),
  );
}

async function on(name: Name, command: string, input: string | Buffer = ""): Promise<string> {
  const { stdout, stderr, exitCode } = (await guests[names.indexOf(name)]?.exec(`sudo -n ${command}`, {
    input,
  })) ?? { stdout: "", stderr: "no guest", exitCode: 1 };
  assert.equal(exitCode, 0, `${command}: ${stderr}`);
  return stdout.trim();
}

const run = (verb: string, ...args: string[]): Promise<PulumiRun> =>
  pulumi([verb, "--stack", stack, ...args], { env });

async function succeeds(verb: string, ...args: string[]): Promise<string> {
  const { exitCode, output } = await run(verb, ...args);
  assert.equal(exitCode, 0, output);
  return output;
}

const availability = "sh -c 'docker node inspect --format {{.Spec.Availability}} $(docker node ls -q)'";

/**
 * Asks the two replicas on a host outside of any container, as a load balancer does: a request fails when no host answers it. It writes one
 * word for each.
 */
const client = `
use IO::Socket::INET;
open my $log, ">>", "/run/requests" or die; $log->autoflush(1);
while (1) {
  my $answer = "failed";
  for my $at (@ARGV) {
    my $socket = IO::Socket::INET->new(PeerAddr => $at, PeerPort => 8080, Timeout => 1) or next;
    print $socket "GET / HTTP/1.0\\r\\n\\r\\n";
    local $/; my $text = <$socket>;
    if (defined $text && $text =~ /well/) { $answer = "answered"; last }
  }
  print $log "$answer\\n";
  select undef, undef, undef, 0.05;
}`;

const server =
  'mkdir -p /www && echo well >/www/index.html && httpd -p 8080 -h /www && trap "exit 0" TERM && while :; do sleep 0.2; done';

describe("engine upgrades of a swarm", () => {
  test("a service with two replicas runs on two of three hosts", async () => {
    await succeeds("up", "--yes", "--skip-preview");
    const image = await imageArchive(lab.bundle);
    for (const name of names) await on(name, "docker load", image);
    await on(
      "manager-a",
      `docker service create --quiet --detach=false --no-resolve-image --name web --replicas 2 --replicas-max-per-node 1 --endpoint-mode dnsrr --publish mode=host,target=8080,published=8080 ${lab.bundle.image} sh -c '${server}'`,
    );
    await on("manager-a", "sh -c 'cat >/run/client.pl'", client);
    await on(
      "manager-a",
      `systemd-run --quiet --unit requests perl /run/client.pl ${names.map((_, at) => addressOf(at)).join(" ")}`,
    );
    await succeeds("up", "--yes", "--skip-preview", "--expect-no-changes");
  });

  test("the next engine on all hosts, one after the other: no request fails, and every node is active again", async () => {
    await writeSite(next);
    const since = await on("manager-a", "date +%s");
    await succeeds("up", "--yes", "--skip-preview");
    const requests = (await on("manager-a", "cat /run/requests")).split("\n");
    const failed = requests.filter((word) => word !== "answered");
    console.log(`${requests.length} requests, ${failed.length} failed`);
    assert.ok(requests.length > 100);
    assert.deepEqual(failed, []);
    for (const name of names) {
      assert.match(await on(name, "docker version --format '{{.Server.Version}}'"), new RegExp(`^${next}`));
    }
    // What its engine has logged of tasks and of itself: none ends between the signal and the end of the engine.
    let moved = 0;
    for (const name of names) {
      const log = await on(
        name,
        `sh -c "journalctl -u docker -o cat --since @${since} | grep -oE 'topic=/tasks/delete|Processing signal|Daemon shutdown complete'"`,
      );
      const [before = "", after = ""] = log.split("Processing signal");
      moved += before.split("topic=/tasks/delete").length - 1;
      assert.match(after, /^\s*Daemon shutdown complete/, `${name}: ${log}`);
    }
    assert.ok(moved >= 2, "tasks were moved before engines stopped");
    assert.equal(await on("manager-a", availability), "active\nactive\nactive");
    assert.equal(await on("manager-a", "docker service ls --format '{{.Replicas}}'"), "2/2 (max 1 per node)");
    await succeeds("up", "--yes", "--skip-preview", "--expect-no-changes");
  });

  test("a run that was cut after a manager had drained itself: the next one goes on, and makes it active", async () => {
    await on(
      "manager-a",
      "sh -c 'touch /var/lib/sealift/swarm-drained && docker node update --availability drain $(docker info --format {{.Swarm.NodeID}})'",
    );
    await writeSite(first);
    await succeeds("up", "--yes", "--skip-preview");
    assert.equal(await on("manager-a", availability), "active\nactive\nactive");
    await on("manager-a", "test ! -e /var/lib/sealift/swarm-drained");
    await succeeds("up", "--yes", "--skip-preview", "--expect-no-changes");
  });
});
