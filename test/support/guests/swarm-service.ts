/** A swarm on a segment with a service of two replicas, and a client that counts the requests that fail, for one test file. */
import assert from "node:assert/strict";
import { startAgent } from "../../lab/agent.ts";
import { imageArchive } from "../../lab/bundle/image-archive.ts";
import { addressOf, startJoined } from "../../lab/demo/segment-site.ts";
import { removeGuest } from "../../lab/guest.ts";
import { container } from "../../lab/machine-choice.ts";
import { prepareLab } from "../../lab/prepare.ts";
import { pulumiEnv } from "../../lab/pulumi/pulumi-env.ts";
import { freshStack, pulumi, type PulumiRun } from "../../lab/pulumi/pulumi.ts";
import { labSite, removeStackFile, writeStack } from "../../lab/pulumi/stack.ts";

export interface SwarmService {
  /** Two engines of one minor version; the swarm begins with the first. */
  readonly engines: readonly [first: string, next: string];
  /** Writes the site with this engine. */
  readonly write: (engine: string) => Promise<void>;
  readonly pulumi: (verb: string, ...args: readonly string[]) => Promise<PulumiRun>;
  /** It has to end with 0; its output. */
  readonly succeeds: (verb: string, ...args: readonly string[]) => Promise<string>;
  /** `pulumi up`, which has to end with 0; its output. */
  readonly up: (...args: readonly string[]) => Promise<string>;
  /** As root on a host; has to end with 0. */
  readonly on: (name: string, command: string, input?: string | Buffer) => Promise<string>;
  /** Waits on a host until a shell test holds; false if that takes longer than five minutes. */
  readonly until: (name: string, test: string) => Promise<boolean>;
  /** Begins the service and, on the first host, its client. */
  readonly serve: () => Promise<void>;
  /** What the client has counted so far. */
  readonly requests: () => Promise<{ readonly all: number; readonly failed: number }>;
  /** Power off. */
  readonly kill: (name: string) => Promise<void>;
  /** Power on; the site is written again with the engine of the last time, because the host has another port. */
  readonly restart: (name: string) => Promise<void>;
  readonly end: () => Promise<void>;
}

export interface SwarmOf {
  readonly managers: readonly string[];
  readonly workers: readonly string[];
}

/** @param stack its name. Tasks run on workers, or on managers if there are none. */
export async function startSwarmService(
  stack: string,
  { managers, workers }: SwarmOf,
): Promise<SwarmService> {
  const names = [...managers, ...workers];
  const [main = ""] = names;
  const lab = await prepareLab("all");
  const [first = "", next = ""] = lab.bundle.engines
    .filter(({ origin }) => origin === "built from Go modules")
    .map(({ version }) => version);
  const { guests: started, segment } = await startJoined(names, container("/data"));
  await segment.waitAtBoot();
  let guests = started;
  let engine = first;
  const agent = await startAgent(guests[0]?.identityFile ?? "");
  const env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  const guest = (name: string) => {
    const found = guests.find((one) => one.name === name);
    assert.ok(found, name);
    return found;
  };
  const write = async (version: string): Promise<void> => {
    engine = version;
    const site = await labSite(guests, lab.bundle);
    site.engine.version = version;
    const swarm = {
      ...{ name: "plant-1", managers, ...(workers.length === 0 ? {} : { workers: { hosts: workers } }) },
      addresses: Object.fromEntries(names.map((name, at) => [name, addressOf(at)])),
      addressPool: { base: "172.29.0.0/16" },
    };
    await writeStack(stack, Object.assign(site, { swarm }));
  };
  const run = (verb: string, ...args: readonly string[]): Promise<PulumiRun> =>
    pulumi([verb, "--stack", stack, ...args], { env });
  const succeeds = async (verb: string, ...args: readonly string[]): Promise<string> => {
    const { exitCode, output } = await run(verb, ...args);
    assert.equal(exitCode, 0, output);
    return output;
  };
  const on = async (name: string, command: string, input: string | Buffer = ""): Promise<string> => {
    const { stdout, stderr, exitCode } = await guest(name).exec(`sudo -n ${command}`, { input });
    assert.equal(exitCode, 0, `${command}: ${stderr}`);
    return stdout.trim();
  };
  await write(first);
  await freshStack(stack, env);
  return {
    ...{ engines: [first, next], write, pulumi: run, succeeds, on },
    up: (...args) => succeeds("up", "--yes", "--skip-preview", ...args),
    until: async (name, test) => {
      const input = `until { ${test}; } >/dev/null 2>&1; do sleep 0.02; done`;
      return (await guest(name).exec("sudo -n timeout 300 sh -s", { input })).exitCode === 0;
    },
    serve: async () => {
      const image = await imageArchive(lab.bundle);
      for (const name of names) await on(name, "docker load", image);
      await on(
        main,
        `docker service create --quiet --detach=false --no-resolve-image --name web --replicas 2 --replicas-max-per-node 1 --endpoint-mode dnsrr --publish mode=host,target=8080,published=8080 ${lab.bundle.image} sh -c '${server}'`,
      );
      await on(main, "sh -c 'cat >/run/client.pl'", client);
      const addresses = names.map((_, at) => addressOf(at)).join(" ");
      await on(main, `systemd-run --quiet --unit requests perl /run/client.pl ${addresses}`);
    },
    requests: async () => {
      const words = (await on(main, "cat /run/requests")).split("\n");
      return { all: words.length, failed: words.filter((word) => word !== "answered").length };
    },
    kill: (name) => guest(name).kill(),
    restart: async (name) => {
      const back = await segment.restart(name);
      guests = guests.map((one) => (one.name === name ? back : one));
      await write(engine);
    },
    end: async () => {
      await pulumi(["stack", "rm", "--yes", "--force", stack], { env });
      await removeStackFile(stack);
      for (const name of names) await removeGuest(name);
      await agent.stop();
    },
  };
}

/**
 * Asks all hosts in turn, outside of any container, as a load balancer does: a request fails when no host answers it. It writes one word for each.
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
