/** Attacks on the registry's writer from other addresses, and what listens on a registry host at all. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { checkout } from "../lab/cache.ts";
import {
  registryName,
  startConvergedRegistry,
  type RegistryInGuest,
} from "../support/guests/registry-in-guest.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { undoAfter } from "../support/process/undo.ts";

let on: RegistryInGuest;
const undo = undoAfter();
before(async () => {
  on = await startConvergedRegistry("registry-writer");
  undo(() => on.on.end());
  // Two machines on networks of their own: each a network namespace behind a wire.
  for (const [name, third] of [
    ["colleague", 1],
    ["stranger", 2],
  ] as const)
    await root(
      `ip netns add ${name} && ip link add ${name} type veth peer name out netns ${name} && ip addr add 10.77.${third}.1/24 dev ${name} && ip link set ${name} up && ip netns exec ${name} ip addr add 10.77.${third}.2/24 dev out && ip netns exec ${name} ip link set out up && ip netns exec ${name} ip link set lo up`,
    );
});

const { finds, applies } = shellFacts(() => on.on);
const root = (command: string): Promise<string> => on.on.root(command);

/** What a machine gets that asks a port of the registry host: the status, or 000 and the exit code of curl. */
async function asks(who: "colleague" | "stranger", port: number): Promise<string> {
  const address = who === "colleague" ? "10.77.1.1" : "10.77.2.1";
  const url = `https://${registryName}:${port}/v2/`;
  return root(
    `ip netns exec ${who} curl -sS -o /dev/null -w '%{http_code}' --connect-timeout 2 --cacert /etc/sealift/registry/ca.crt --resolve ${registryName}:${port}:${address} ${url} 2>/dev/null || echo " $?"`,
  ).then((text) => text.trim());
}
const refused = "000 7";
const dropped = "000 28";

/** Every port of every unit of Sealift's, TCP and UDP, as `unit address`. */
async function listeners(): Promise<readonly string[]> {
  const text = await root(
    `ss -Hltunp | grep -o '[^ ]* *[^ ]* *users:.*' | while read -r where _ users; do for pid in $(echo "$users" | grep -o 'pid=[0-9]*' | cut -d= -f2); do unit=$(grep -o '[^/]*$' /proc/$pid/cgroup); echo "$unit $where"; done; done`,
  );
  return text
    .split("\n")
    .filter((line) => /sealift/.test(line))
    .sort();
}

/** The call of a step, out of these. */
function callOf(steps: RegistryInGuest["steps"], what: string): RegistryInGuest["steps"][number]["call"] {
  const step = steps.find(({ code }) => code === `registry.${what}`);
  assert.ok(step);
  return step.call;
}

describe("access to the writer of a registry", () => {
  test("only from its own host, and no unit of Sealift listens anywhere else", async () => {
    assert.equal(await asks("stranger", 5000), "200", "the reader is for everybody");
    assert.equal(await asks("stranger", 5001), refused);
    assert.equal(await on.curl(`-o /dev/null -w '%{http_code}' https://${registryName}:5001/v2/`), "401");
    assert.deepEqual(await listeners(), [
      "sealift-registry-reader.service *:5000",
      "sealift-registry-writer.service 127.0.0.1:5001",
    ]);
  });

  test("a metrics and profiler port that was opened manually is drift of the process itself", async () => {
    const file = "/etc/sealift/registry/writer.yml";
    await root(
      `sed 's/^  draintimeout.*/&\\n  debug:\\n    addr: 127.0.0.1:5011/' -i ${file} && systemctl restart sealift-registry-writer && timeout 60 sh -c 'until ss -Hltn | grep -q :5011 && ss -Hltn | grep -q :5001; do sleep 0.2; done'`,
    );
    await finds(/writer\.yml is altered/, ...on.call("units"));
    await finds(
      /^writer: listens on( 127\.0\.0\.1:50[01]1){2} in place of 127\.0\.0\.1:5001 alone$/,
      ...on.call("running"),
    );
    await applies(...on.call("units"));
    await applies(...on.call("running"));
  });

  test("networks that the site lists can reach it, and nobody else", async () => {
    const open = on.openTo("10.77.1.0/24");
    const { revision, text } = await on.on.run("apply", open);
    assert.ok(revision, text);
    assert.deepEqual([await asks("colleague", 5001), await asks("stranger", 5001)], ["401", dropped]);
    // Another network: the process that runs is not left with the old one.
    const other = await on.on.run("apply", on.openTo("10.77.2.0/24", "fd00:77::/64"));
    assert.ok(other.revision, other.text);
    assert.deepEqual([await asks("colleague", 5001), await asks("stranger", 5001)], [dropped, "401"]);
  });

  test("a filter without effect is found although file and unit are right, and corrected", async () => {
    const steps = on.openTo("10.77.1.0/24");
    const made = await on.on.run("apply", steps);
    assert.ok(made.revision, made.text);
    const program = await readFile(join(checkout, "test", "support", "guests", "detach-filter.py"));
    await on.on.guest.exec("sudo -n tee /run/detach-filter.py", { input: program });
    await root("python3 /run/detach-filter.py /sys/fs/cgroup/system.slice/sealift-registry-writer.service");
    assert.equal(await asks("stranger", 5001), "401", "the attack: nothing keeps a stranger away now");
    await finds(
      "the writer answers an address outside its networks: the IP filter of its unit has no effect",
      ...callOf(steps, "running"),
    );
    await applies(...callOf(steps, "running"));
    assert.equal(await asks("stranger", 5001), dropped);
  });

  test("without networks it is reachable from its own host only", async () => {
    const made = await on.on.run("apply", on.steps);
    assert.ok(made.revision, made.text);
    assert.deepEqual([await asks("colleague", 5001), await asks("stranger", 5001)], [refused, refused]);
  });
});
