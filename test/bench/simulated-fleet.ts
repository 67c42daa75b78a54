/**
 * Hosts on loopback: each a real sshd with a key, a home and a port of its own, on which the real library runs, with facts that are
 * lines in a file. Everything on the operator's side is what it is with real hosts.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { startAgent } from "../lab/agent.ts";
import { checkout } from "../lab/cache.ts";
import { ensureIdentity } from "../lab/identity.ts";
import { freshStack, pulumi, type PulumiRun } from "../lab/pulumi/pulumi.ts";
import { pulumiEnv, stateDir } from "../lab/pulumi/pulumi-env.ts";
import { removeStackFile } from "../lab/pulumi/stack.ts";
import { stringify } from "yaml";
import { siteFileOf } from "../../modules/core/site/site-text.ts";
import { startListeningSshd, type ListeningSshd } from "../support/servers/listening-sshd.ts";
import { makeTinyBundle } from "../support/fixtures/tiny-bundle.ts";

export interface SimulatedFleet {
  readonly hosts: readonly ListeningSshd[];
  /** The jump host in front of them, when there is one. */
  readonly front: ListeningSshd | undefined;
  /** The site as the stack's file has it. Its paths are relative to the checkout. */
  readonly site: Readonly<Record<string, unknown>> & {
    readonly hosts: readonly Readonly<Record<string, unknown>>[];
  };
  /** Writes the site with these hosts into the site file; at first all hosts are there. */
  readonly describe: (hosts: readonly object[]) => void;
  /** For `pulumi` in another project. */
  readonly env: Readonly<Record<string, string>>;
  /** Private key that may log in everywhere. */
  readonly identityFile: string;
  /** `pulumi <args> --stack <the fleet's>`, of which `started` hears the process id; `more` is added to `env`. */
  readonly pulumi: (
    args: readonly string[],
    started?: (pid: number) => void,
    more?: Readonly<Record<string, string>>,
  ) => Promise<PulumiRun>;
  /** How many connections all hosts together have taken so far. */
  readonly connections: () => number;
  readonly stateBytes: () => number;
  /** How many facts the first host has. */
  readonly facts: () => number;
  readonly end: () => Promise<void>;
}

const tools = join(import.meta.dirname, "simulated-host");

/**
 * @param jump whether all hosts are reached through one more sshd, in front of them.
 * @param registry whether the bundle has the program of a registry.
 * @param engineBytes of the engine that each is sent. @param kex the key exchanges that the hosts offer; "": as sshd has them.
 */
export async function startFleet(
  count: number,
  { jump = false, engineBytes = 0, kex = "", registry = false } = {},
): Promise<SimulatedFleet> {
  const { identityFile, publicKey } = await ensureIdentity();
  const bundle = await makeTinyBundle(0, engineBytes, { registry });
  const agent = await startAgent(identityFile);
  const hosts: ListeningSshd[] = [];
  const options: Readonly<Record<string, string>> = kex === "" ? {} : { KexAlgorithms: kex };
  for (let index = 0; index < count; index += 1)
    hosts.push(await startListeningSshd({ clientKeyFile: identityFile, path: tools, options }));
  const front = jump ? await startListeningSshd({ clientKeyFile: identityFile }) : undefined;
  const stack = `lab-fleet-${process.pid}`;
  const site = {
    bundle: {
      directory: relative(checkout, bundle.directory),
      allowedSigners: relative(checkout, bundle.allowedSigners),
    },
    ...(front === undefined ? {} : { jumpHost: endOf(front) }),
    engine: { version: "28.5.2", compose: "5.5.1" },
    users: [{ name: "deploy", uid: 1500, authorizedKeys: [publicKey] }],
    volumes: {
      logicalVolumes: [
        { name: "logs", size: "20GiB", filesystem: "ext4", mount: "/logs" },
        { name: "data", size: "80%FREE", filesystem: "xfs", mount: "/data" },
      ],
    },
    daemon: { "data-root": "/data/docker", "log-driver": "local", "storage-driver": "overlay2" },
    hosts: hosts.map((host, index) => ({
      name: `sim-${index + 1}`,
      ...endOf(host),
      ...(process.arch === "arm64" ? { architecture: "arm64" } : {}),
      volumes: { disks: [{ id: `/dev/disk/by-id/sim-${index + 1}` }] },
    })),
  };
  const describe = (described: readonly object[]): void => {
    writeFileSync(
      join(checkout, siteFileOf(stack)),
      stringify({ ...site, hosts: described }, { lineWidth: 0 }),
    );
  };
  describe(site.hosts);
  const env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
  await freshStack(stack, env);
  const logs = front === undefined ? hosts : [...hosts, front];
  return {
    hosts,
    front,
    site,
    describe,
    env,
    identityFile,
    pulumi: ([verb = "", ...args], started, more) =>
      pulumi([verb, "--stack", stack, ...args], {
        env: { ...env, ...more },
        ...(started === undefined ? {} : { started }),
      }),
    connections: () => logs.reduce((sum, one) => sum + connectionsOf(one), 0),
    stateBytes: () => statSync(join(stateDir, ".pulumi", "stacks", "sealift", `${stack}.json`)).size,
    facts: () => readFileSync(join(hosts[0]?.home ?? "", "facts"), "utf8").split("\n").length - 1,
    end: async () => {
      await pulumi(["stack", "rm", "--yes", "--force", "--stack", stack], { env });
      await removeStackFile(stack);
      for (const one of logs) await one.stop();
      await bundle.remove();
      await agent.stop();
    },
  };
}

/** As sshd has logged them. */
export function connectionsOf(host: ListeningSshd): number {
  return host.log().match(/^Connection from /gm)?.length ?? 0;
}

function endOf({ host, port, user, hostKey }: ListeningSshd): object {
  return { address: host, port, sshUser: user, hostKey };
}
