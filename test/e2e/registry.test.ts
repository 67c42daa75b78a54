/**
 * A site with registries: three hosts with blank disks on a network segment of their own. Two run the registry: one is sent the bundle
 * over ssh, and is the upstream of the other. The third is sent only the library, and downloads its engine and its images from the
 * registries.
 */
import assert from "node:assert/strict";
import { relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { startAgent, type Agent } from "../lab/agent.ts";
import { imageElsewhere } from "../lab/bundle/bundle.ts";
import { checkout } from "../lab/cache.ts";
import { removeGuest, type Guest } from "../lab/guest.ts";
import { segmentCard } from "../lab/guest-segment.ts";
import { imageKinds } from "../lab/bundle/image-kinds.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { pulumiEnv } from "../lab/pulumi/pulumi-env.ts";
import { freshStack, pulumi, type PulumiRun } from "../lab/pulumi/pulumi.ts";
import { segmentRegistry, segmentSite, startSegment } from "../lab/demo/segment-site.ts";
import { labUser, removeStackFile, stackFile, writeStack } from "../lab/pulumi/stack.ts";
import { container } from "../lab/machine-choice.ts";
import { runsKinds } from "../support/guests/image-kinds.ts";

const stack = "lab-registry";
const registry = `${segmentRegistry}:5000`;
const names = ["store", "twin", "node"] as const;
let lab: Lab;
let store: Guest;
let twin: Guest;
let node: Guest;
let agent: Agent;
let env: Readonly<Record<string, string>>;

before(async () => {
  lab = await prepareLab("registry");
  [store, twin, node] = (await startSegment(names, container("/registry", "/data"))) as [Guest, Guest, Guest];
  agent = await startAgent(store.identityFile);
  env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  await writeSite();
  await freshStack(stack, env);
});

after(async () => {
  await pulumi(["stack", "rm", "--yes", "--force", stack], { env });
  await removeStackFile(stack);
  for (const name of names) await removeGuest(name);
  await agent.stop();
});

async function writeSite(caSha256?: readonly string[]): Promise<void> {
  const site = await segmentSite([store, twin, node], lab.bundle, 2);
  if (caSha256 !== undefined) Object.assign(site.registry ?? {}, { caSha256 });
  // Both release series of engines that follow image names: 29 on the registry hosts, 28.5 on the client.
  Object.assign(site.hosts.at(-1) ?? {}, { engine: { version: lab.bundle.engines.at(-1)?.version } });
  await writeStack(stack, site);
}

/** The command's output, of a command that has to end with 0. */
async function on(guest: Guest, command: string, login = guest.login): Promise<string> {
  const { stdout, stderr, exitCode } = await guest.exec(command, { login });
  assert.equal(exitCode, 0, `${command}: ${stderr}`);
  return stdout;
}

const run = (verb: string, ...args: string[]): Promise<PulumiRun> =>
  pulumi([verb, "--stack", stack, ...args], { env });

/** The sha256 of the archive that the site's engine comes out of, as the host without a registry knows it. */
async function engineSha256(): Promise<string> {
  const plan = await succeeds("stack", "export");
  const [, sha256] =
    /"urn": "[^"]*::node-engine-run"[^]*?downloaded_blob ([0-9a-f]{64}) \d+ \S+ files\/docker /.exec(plan) ??
    [];
  assert.ok(sha256, "no archive in the plan of node-engine");
  return sha256;
}

async function succeeds(verb: string, ...args: string[]): Promise<string> {
  const { exitCode, output } = await run(verb, ...args);
  assert.equal(exitCode, 0, output);
  return output;
}

describe("a site with registries", () => {
  test("a preview of a new site: a CA that does not exist yet is no error", async () => {
    const output = await succeeds("preview");
    assert.match(output, /store-registry-run/);
    assert.match(output, /node-trust-run/);
    assert.match(output, /the registry has not created its CA yet/);
  });

  test("one pulumi up, and the host without a registry has received no byte of the bundle over ssh", async () => {
    // Whatever leaves the host for any other place than its segment, and is no answer to ssh and no DHCP. What goes to the engine's own
    // bridge (the kernel joins a multicast group there, 40 bytes) stays inside.
    await on(
      node,
      `sudo -n nft -f - <<'END'
table inet witness {
  counter left { }
  chain output {
    type filter hook output priority 0; policy accept;
    oifname { "lo", "docker0", "${segmentCard}" } accept
    tcp sport 22 accept
    meta l4proto ipv6-icmp accept
    udp dport { 67, 547 } accept
    counter name left
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    oifname != { "${segmentCard}", "docker0" } counter name left
  }
}
END`,
    );
    await succeeds("up", "--yes", "--skip-preview");
    assert.equal(await on(node, "ls .sealift"), (await on(node, "cd .sealift && ls *.sh")).trim() + "\n");
    assert.match(await on(store, "sudo -n ls /registry/storage/docker/registry/v2/repositories"), /^files$/m);
    assert.equal(await on(store, "sudo -n ls /registry/arriving"), "");
  });

  test("the second registry received only its program over ssh and downloaded the rest from the first: the same bytes", async () => {
    const blobs = "sudo -n find /registry/storage/docker/registry/v2/blobs -name data | sort";
    assert.equal(await on(twin, blobs), await on(store, blobs));
    const state = await succeeds("stack", "export");
    assert.match(state, /"urn:[^"]*::store-seed-[0-9a-f]{12}"/);
    assert.doesNotMatch(state, /"urn:[^"]*::twin-seed-[0-9a-f]{12}"/);
    assert.equal(await on(twin, "sudo -n ls /registry/arriving"), "");
  });

  test("an unchanged name of Docker Hub runs on a host, for a user who is not root", async () => {
    assert.equal(
      await on(node, `docker run --rm ${lab.bundle.image} echo from-the-registry`, labUser),
      "from-the-registry\n",
    );
  });

  test("an unchanged name of another registry runs too", async () => {
    assert.equal(await on(node, `docker run --rm ${imageElsewhere} echo elsewhere`, labUser), "elsewhere\n");
  });

  test("an image of every kind that a bundle can contain runs, with both release series of engines", async () => {
    await Promise.all([node, store].map((guest) => runsKinds(guest, imageKinds)));
  });

  test("a missing image is reported at once, and nobody outside was asked", async () => {
    for (const name of ["nothere:1", "ghcr.io/team/nothere:1", "quay.io/team/nothere:1"]) {
      const { exitCode, stderr } = await node.exec(`timeout 60 docker pull ${name}`, { login: labUser });
      assert.equal(exitCode, 1, stderr);
      assert.match(stderr, /not found/);
    }
    assert.match(await on(node, "sudo -n nft list counter inet witness left"), /packets 0 bytes 0/);
  });

  test("the registry's own name works too, and nobody can push from a host", async () => {
    await on(node, `docker pull ${registry}/${lab.bundle.image}`, labUser);
    await on(node, `docker tag ${lab.bundle.image} ${registry}/mine:1`, labUser);
    const { exitCode, stderr } = await node.exec(`docker push ${registry}/mine:1`, { login: labUser });
    assert.equal(exitCode, 1);
    assert.match(stderr, /405 Method Not Allowed|unsupported|not allowed/i);
  });

  test("a second run changes nothing", async () => {
    const output = await succeeds("up", "--yes", "--skip-preview");
    assert.match(output, /Resources:\s+\d+ unchanged\n/);
  });

  test("a CA that a client no longer has is drift, and is corrected", async () => {
    await on(node, `sudo -n sh -c 'echo stale >/etc/docker/certs.d/${registry}/ca.crt'`);
    const preview = await succeeds("preview");
    assert.match(preview, /trust\.ca: found: \S*ca\.crt is missing or differs; expected: .*; impact: none/);
    await succeeds("up", "--yes", "--skip-preview");
    await on(node, `docker pull ${lab.bundle.image}`, labUser);
  });

  test("a registry that lost its CA creates another, which no client trusts until the site names it", async () => {
    await on(store, "sudo -n rm /etc/sealift/registry/ca.key");
    const preview = await succeeds("preview");
    assert.match(preview, /registry\.ca: found: /);
    const { exitCode, output } = await run("up", "--yes", "--skip-preview");
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /E_REGISTRY_CA this host trusts the CA with sha256 \w{64}, but the registry on \S+ now presents \w{64}/,
    );
    const print = "sudo -n openssl x509 -noout -fingerprint -sha256 -in /etc/sealift/registry/ca.crt";
    const printed = await Promise.all([store, twin].map((guest) => on(guest, print)));
    await writeSite(printed.map((one) => one.trim().replace(/^.*=/, "")));
    await succeeds("up", "--yes", "--skip-preview");
    await on(node, `docker pull ${registry}/${lab.bundle.image}`, labUser);
    assert.match(await succeeds("up", "--yes", "--skip-preview"), /Resources:\s+\d+ unchanged\n/);
  });

  test("a registry that is killed during a download: the host continues with the other, where it stopped", async () => {
    const sha256 = await engineSha256();
    const held = `/var/lib/sealift/blobs/${sha256}`;
    await on(node, `sudo -n rm -r ${held} /opt/docker/current/bin/ctr`);
    // The run stands still as soon as some of the archive has arrived, and goes on when the registry is dead.
    await on(
      node,
      `sudo -n systemd-run --quiet --unit=arriving sh -c '
        until [ -s ${held}.part ]; do :; done
        systemctl kill --signal=STOP "sealift-*.service" && stat -c %s ${held}.part >/run/arrived'`,
    );
    const arrived = "timeout 300 sh -c 'until [ -s /run/arrived ]; do sleep 0.1; done'";
    const end =
      "systemctl mask --runtime sealift-registry-reader && systemctl kill -s KILL sealift-registry-reader";
    const killed = on(node, arrived).then(async () => {
      await on(store, `sudo -n sh -c '${end}'`);
      await on(node, "sudo -n systemctl kill --signal=CONT 'sealift-*.service'");
    });
    await Promise.all([killed, succeeds("up", "--yes", "--skip-preview")]);
    const log = await on(twin, "sudo -n journalctl -u sealift-registry-reader -o cat");
    assert.match(
      log,
      new RegExp(`files/docker/blobs/sha256:${sha256}.*http.response.status=206`),
      "the other has given the rest",
    );
  });

  test("while it is down, a host pulls from the other under the same name", async () => {
    await on(node, `docker rmi -f ${lab.bundle.image} && docker pull ${lab.bundle.image}`, labUser);
  });

  test("a whole host that is down stops nobody either", async () => {
    await on(store, `sudo -n systemctl unmask --runtime sealift-registry-reader`);
    await on(store, `sudo -n ip link set ${segmentCard} down`);
    await on(
      node,
      `docker rmi -f ${lab.bundle.image} && timeout 300 docker pull ${lab.bundle.image}`,
      labUser,
    );
    await on(store, `sudo -n ip link set ${segmentCard} up`);
  });

  test("when it is back, the run starts what was stopped and nothing else", async () => {
    await succeeds("up", "--yes", "--skip-preview");
    assert.match(await succeeds("up", "--yes", "--skip-preview"), /Resources:\s+\d+ unchanged\n/);
  });

  test("no password and no private key is in the state", async () => {
    const output = await succeeds("stack", "export");
    const password =
      (await on(store, "sudo -n cat /etc/sealift/registry/netrc")).trim().split(" ").at(-1) ?? "";
    assert.equal(password.length, 64);
    assert.ok(!output.includes(password));
    assert.doesNotMatch(output, /PRIVATE KEY/);
    console.log(`state: ${Math.round(output.length / 1024)} KiB, ${relative(checkout, stackFile(stack))}`);
  });
});
