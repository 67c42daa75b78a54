/** What a manager says about its swarm: the words of the shell from recorded answers, their parser, the table, and the exit code. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { statusExitCode } from "../../cli/status.ts";
import { statusText } from "../../cli/output/status-text.ts";
import type { Paint } from "../../cli/output/paint.ts";
import type { Probe } from "../../modules/core/host/probe.ts";
import type { StepReport } from "../../modules/core/host/report.ts";
import { swarmOf } from "../../modules/core/site/swarm.ts";
import type { SiteStatus } from "../../modules/rollout/site-status.ts";
import { siteSwarm, swarmQuestions, type ManagerAnswer } from "../../modules/rollout/swarm-status.ts";
import { stacksPhase } from "../../modules/swarm/stacks-steps.ts";
import { hasQuorum, parseSwarmStatus } from "../../modules/swarm/status.ts";
import { exampleApp } from "../support/fixtures/example-app.ts";
import { exampleHost, library } from "../support/fixtures/example-host.ts";

const shopImage = "6c2b126a8c07ed2ab34485f46aeaff59bef91c5a4c41a0cb491022bbd6785da3";
const redisImage = "fd499a9220cbd2796360d03d40eab97cd62c55fa25eb67a2060723b51830104b";

/** What engine 26.1.5 has answered on three system containers. */
const recorded = {
  ids: "i6b20ya57mfhd9bywmma4giwd\n364akha0run7l55okvlzgkuo8\n17083po9cne40a4yq75k9gs75",
  nodes: `N i6b20ya57mfhd9bywmma4giwd ready 10.9.0.1 manager active 10.9.0.1:2377 leader reachable node-a node-a
L i6b20ya57mfhd9bywmma4giwd "shop" "data"
N 364akha0run7l55okvlzgkuo8 ready 10.9.0.2 manager drain 10.9.0.2:2377 - reachable node-b node-b
N 17083po9cne40a4yq75k9gs75 down 10.9.0.3 manager active 10.9.0.3:2377 - unreachable node-c node-c`,
  list: "replicas shop_cache 1/1\nreplicas shop_web 2/3",
  services: `service 4rdnuaopk8cvxxba0cjqaqce0 "shop_web" "sealift/shop@sha256:${shopImage}" rollback_completed "2026-12-01T04:00:58.123456789Z"
service rb2iht13lygv238me4sch3tie "shop_cache" "redis@sha256:${redisImage}" - -`,
  tasks: `task 4rdnuaopk8cvxxba0cjqaqce0.364akha0run7l55okvlzgkuo8 364akha0run7l55okvlzgkuo8 Running 24 seconds ago
task 4rdnuaopk8cvxxba0cjqaqce0.17083po9cne40a4yq75k9gs75 17083po9cne40a4yq75k9gs75 Starting 2 seconds ago
task 4rdnuaopk8cvxxba0cjqaqce0.i6b20ya57mfhd9bywmma4giwd i6b20ya57mfhd9bywmma4giwd Running 28 seconds ago
task rb2iht13lygv238me4sch3tie.1 i6b20ya57mfhd9bywmma4giwd Running 33 seconds ago`,
};

/** The value of a manager whose docker gives these answers. */
function words(answers: Partial<typeof recorded>, last = ":"): string {
  const all = { ...recorded, ...answers };
  const input = `${library.text}
set -eu
SEALIFT_DOCKER=/bin/sh
run_differ=
client_is_safe() { :; }
path_is_safe() { :; }
docker() {
  case "$1 $2" in
    "node ls") cat <<'END'
${all.ids}
END
    ;;
    "node inspect") cat <<'END'
${all.nodes}
END
    ;;
    "service ls") cat <<'END'
${all.list}
END
    ;;
    "service inspect") cat <<'END'
${all.services}
END
    ;;
    "stack ps") cat <<'END'
${all.tasks}
END
    ;;
  esac
}
${last}
cluster_ask() { cluster_status=0; cluster_said=$(docker "$@" 2>&1) || cluster_status=$?; [ "$cluster_status" = 0 ]; }
value_swarm_status shop || echo none
`;
  return execFileSync("sh", { input, encoding: "utf8" }).trimEnd();
}

const answered = words({});

test("a manager reports its nodes, and each service with its image, replicas, places and last update", () => {
  assert.equal(
    answered,
    [
      "managers=2,3 node=node-a,manager,ready,active,leader node=node-b,manager,ready,drain,reachable",
      "node=node-c,manager,down,active,unreachable",
      `service=shop,web,sealift/shop@sha256:${shopImage},2,3,rollback_completed,2026-12-01T04:00:58Z`,
      `service=shop,cache,redis@sha256:${redisImage},1,1,-,-`,
      "tasks=shop,web,node-b,1 tasks=shop,web,node-a,1 tasks=shop,cache,node-a,1",
    ].join(" "),
  );
});

test("names of another form are counted and not passed on, and a long answer is bounded", () => {
  const bad = words({
    nodes: recorded.nodes.replaceAll("node-c", "a%3Cb%3E"),
    services: recorded.services.replace('"shop_cache"', '"shop_cache x"').replace("redis@", "$(id)@"),
  });
  assert.match(bad, / more=\d+$/);
  assert.doesNotMatch(bad, /%|\$|cache/);
  const many = Array.from({ length: 500 }, (_, at) => `service${at}`);
  const long = words({
    list: many.map((one) => `replicas shop_${one} 1/1`).join("\n"),
    services: many.map((one) => `service ${one} "shop_${one}" "redis@sha256:${redisImage}" - -`).join("\n"),
  });
  const listed = long.split(" ").filter((word) => word.startsWith("service=")).length;
  assert.ok(long.length < 14_100 && listed > 100, String(long.length));
  assert.ok(parseSwarmStatus(long).more >= 500 - listed);
});

test("without a leader the swarm says that it has no quorum; a host that is no manager says nothing", () => {
  const says = (text: string): string => words({}, `docker() { echo '${text}' >&2; return 1; }`);
  const leaderless = says(
    "Error response from daemon: rpc error: code = Unknown desc = The swarm does not have a leader.",
  );
  assert.equal(leaderless, "managers=0,0");
  assert.equal(hasQuorum(parseSwarmStatus(leaderless)), false);
  assert.equal(says("Error response from daemon: This node is not a swarm manager."), "none");
});

const hostile: readonly (readonly [string, number])[] = [
  ["", 0],
  ["managers=1,x node= service= tasks=", 3],
  ["node=a\u001b[31m,manager,ready,active,leader", 1],
  ["node=a,king,ready,active,leader", 1],
  ["service=shop,web,redis,1,1,perfect state,-", 1],
  ["service=shop,web,redis,-1,1,-,- more=99999999", 1],
  ["tasks=shop,web,node-a,x", 1],
];
for (const [value, more] of hostile)
  test(`a manager that says ${JSON.stringify(value.slice(0, 50))} says nothing that is taken`, () => {
    const { managers, ...rest } = parseSwarmStatus(value);
    assert.deepEqual(managers, { reachable: 0, all: 0 });
    assert.deepEqual(rest, { nodes: [], services: [], more });
  });

const names = ["node-a", "node-b", "node-c"];
const hosts = names.map((name) => {
  const host = { ...exampleHost(), name, stacks: [spec()] };
  const site = { name: "plant-1", managers: names, addressPool: { base: "172.29.0.0/16" } };
  const addresses = Object.fromEntries(names.map((one, at) => [one, `10.9.0.${at + 1}`]));
  const swarm = swarmOf(
    { ...site, addresses },
    names.map((one) => ({ ...exampleHost(), name: one })),
    name,
  );
  return { ...host, ...(swarm === undefined ? {} : { swarm }) };
});
const stack = {
  ...exampleApp,
  name: "shop",
  images: [
    { name: "docker.io/sealift/shop:1.0.0", sha256: shopImage },
    { name: "docker.io/library/redis:8.0", sha256: redisImage },
  ],
};

function spec() {
  return { name: "shop", version: "1.0.0", keep: 1, update: { timeout: 60 } };
}

function reached(value: string | undefined, differing: Readonly<Record<string, string>> = {}): Probe {
  const steps = ["service.cache", "service.web", "service.worker", "rest", "current"].map(
    (code): StepReport => {
      const found = differing[code];
      return {
        ...{ code: `stacks.shop.${code}`, fact: "", found: found ?? "" },
        status: found === undefined ? "ok" : "drift",
      };
    },
  );
  const values = value === undefined ? {} : { values: { "swarm.status": value } };
  return { kind: "reached", report: { steps, revision: undefined, ...values } };
}
const unreachable: Probe = {
  kind: "unreachable",
  problem: {
    where: "node-c",
    code: "E_HOST_UNREACHABLE",
    subject: "ops@10.20.0.12:22",
    found: "Connection refused",
    expected: "an answer from sshd",
    fix: "make sure that the host runs",
  },
};
const answer = (at: number, found: Probe): ManagerAnswer => {
  const host = hosts[at];
  assert.ok(host);
  return { spec: host, stacks: [stack], found };
};
const plain: Paint = (_verdict, text) => text;
const status = (answers: readonly ManagerAnswer[]): SiteStatus => {
  const swarm = siteSwarm(answers);
  assert.ok(swarm);
  return {
    ...{ ok: swarm.ok, environment: "prod", problems: [], unread: [], applications: [], others: [] },
    swarm,
  };
};
const text = (answers: readonly ManagerAnswer[]): string =>
  statusText(status(answers), { width: 100, paint: plain });
const well = answered
  .replace("drain", "active")
  .replace("down,active,unreachable", "ready,active,reachable")
  .replace("2,3,", "3,3,")
  .replace("managers=2,3", "managers=3,3");

test("services are rows and nodes are columns; what is down, drained or differs is said below", () => {
  assert.equal(
    text([
      answer(
        1,
        reached(answered, { "service.worker": "absent", "service.cache": "2 replicas instead of 1" }),
      ),
      answer(0, reached(well)),
      answer(2, unreachable),
    ]),
    [
      "FAIL  node-c: E_HOST_UNREACHABLE ops@10.20.0.12:22",
      "  found     Connection refused",
      "  expected  an answer from sshd",
      "  fix       make sure that the host runs",
      "",
      "swarm plant-1: 2 of 3 managers reachable, 2 of 3 nodes ready, says node-b",
      "",
      "application  service  image       replicas  node-a  node-b (drain)  node-c (down)  last update",
      "shop         cache    redis:8.0   1/1       1       -               -              -",
      "shop         web      shop:1.0.0  2/3       1       1               -              rollback completed 2026-12-01T04:00:58Z",
      "shop         worker   -           absent    -       -               -              -",
      "",
      "node-b       drain",
      "node-c       down, manager unreachable",
      "shop cache   2 replicas instead of 1",
      "shop worker  absent",
    ].join("\n"),
  );
});

test("an image that the release does not have is named by its digest", () => {
  assert.match(
    text([answer(0, reached(well.replace(redisImage, "ab".repeat(32))))]),
    /\nshop +cache +redis@abababababab +1\/1 /,
  );
});

test("with many nodes a service names those that it is on", () => {
  const more = Array.from({ length: 8 }, (_, at) => `node=w${at},worker,ready,active,-`).join(" ");
  assert.match(
    text([answer(0, reached(`${well} ${more}`))]),
    /replicas +nodes +last update\nshop .*1\/1 +node-a +-/,
  );
});

test("the first manager that answers and has a quorum is believed; without one it is said", () => {
  assert.match(
    text([answer(2, reached("managers=0,0")), answer(1, reached(undefined)), answer(0, reached(well))]),
    /^swarm plant-1: .* says node-a\n/,
  );
  assert.equal(
    text([answer(2, reached("managers=1,3")), answer(1, reached("managers=0,0"))]),
    "swarm plant-1: no quorum, 1 of 3 managers are reachable; what runs goes on, and cannot be changed",
  );
  assert.match(text([answer(2, reached("managers=0,0"))]), /^swarm plant-1: no quorum; what runs goes on/);
  assert.match(text([answer(2, unreachable)]), /swarm plant-1: no manager has answered$/);
});

test("the exit code tells a swarm that is right from one that is not, and from one that does not answer", () => {
  const code = (...answers: readonly ManagerAnswer[]): number => statusExitCode(status(answers));
  assert.equal(code(answer(0, reached(well))), 0);
  assert.equal(code(answer(0, reached(well)), answer(2, unreachable)), 0);
  assert.equal(code(answer(0, reached(answered))), 78);
  assert.equal(
    code(answer(0, reached(well, { rest: "services that the release does not have: shop_x" }))),
    78,
  );
  assert.equal(code(answer(0, reached("managers=0,0"))), 78);
  assert.equal(code(answer(2, unreachable)), 69);
});

test("a manager is asked for the facts of its services, and for nothing that needs its files", () => {
  const [host] = hosts;
  assert.ok(host);
  const phases = swarmQuestions(host, stacksPhase(host, { stacks: [stack], secrets: [] }));
  const codes = phases.flatMap(({ steps }) => steps.map((step) => step.code));
  assert.ok(codes.includes("stacks.shop.rest") && codes.at(-1) === "swarm.status", codes.join(" "));
  assert.deepEqual(
    codes.filter((one) => /archive|file|configs|secrets|kept/.test(one)),
    [],
  );
  assert.deepEqual(phases.at(-1)?.steps[0]?.call, ["swarm_status", "shop"]);
});

test("tasks of a global service on a node that is down do not count", () => {
  const [web] = parseSwarmStatus(
    "managers=2,3 service=shop,web,shop,3,2,-,- tasks=shop,web,node-a,1 tasks=shop,web,node-b,1",
  ).services;
  assert.deepEqual([web?.running, web?.desired], [2, 2]);
});
