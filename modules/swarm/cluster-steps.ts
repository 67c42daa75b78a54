/** A swarm as a whole, as facts that one of its managers makes true. Pure. */
import type { Step } from "../core/host/step.ts";
import type { SecretsSpec } from "../core/site/site-spec.ts";
import type { SwarmMember, SwarmNetwork, SwarmSpec } from "../core/site/swarm.ts";

/**
 * Promotions come before demotions: in between, more managers may fail, not fewer. Managers are locked when there are several: what one of
 * them loses, the others still have.
 *
 * @param secrets needed if the site wants managers to be locked.
 */
export function clusterSteps(spec: SwarmSpec, secrets?: SecretsSpec): readonly Step[] {
  const { name, members, removed } = spec;
  const managers = members.filter(({ role }) => role === "manager");
  const workers = members.filter(({ role }) => role === "worker");
  const named = members.flatMap(({ host, address }) => [host, address]);
  const managerAddresses = managers.map(({ address }) => address).join(" ");
  const node = nodeStep(managerAddresses);
  return [
    {
      code: "cluster.quorum",
      fact: `more than half of the managers of swarm ${name} are reachable`,
      effect: "none",
      call: ["swarm_quorum"],
    },
    {
      code: "cluster.identity",
      fact: `the swarm has the name ${name}`,
      effect: "none",
      call: ["swarm_identity", name],
    },
    settingsStep(spec),
    {
      code: "cluster.replaced",
      fact: "each member is one node of the swarm",
      effect: "none",
      call: ["swarm_replaced", managerAddresses, ...named],
    },
    ...managers.map(node),
    ...removed.map((host): Step => ({
      code: `cluster.removed.${host}`,
      fact: `${host} is no node of the swarm`,
      effect: "none",
      call: ["swarm_removed", host, managerAddresses, ...members.map(({ address }) => address)],
    })),
    ...workers.map(node),
    {
      code: "cluster.others",
      fact: "the swarm has no other nodes than the site",
      effect: "none",
      call: ["swarm_others", removed.join(" "), ...named],
    },
    ...networkSteps(spec),
    ...autolockSteps(spec, secrets),
    {
      code: "cluster.tokens",
      fact: "no join token that was handed out is valid",
      effect: "none",
      call: ["swarm_tokens"],
    },
  ];
}

/** A site that does not speak of it leaves it as it is. */
function autolockSteps({ autolock }: SwarmSpec, secrets: SecretsSpec | undefined): readonly Step[] {
  if (autolock === undefined) return [];
  const { age, recoveryKey = "" } = secrets ?? {};
  const program = `/opt/sealift/age/${age ?? ""}/age`;
  const step = (code: string, fact: string, call: Step["call"]): Step => ({
    ...{ code: `cluster.${code}`, fact, effect: "none", call },
  });
  if (!autolock)
    return [step("autolock", "managers start without an unlock key", ["swarm_autolock", "off", "", ""])];
  return [
    step("autolock", "managers are locked when they start, until they get the unlock key", [
      ...(["swarm_autolock", "on", program, recoveryKey] as const),
    ]),
    step("unlock-key", "this host has the unlock key, encrypted for the recovery key of the site", [
      ...(["swarm_unlock_key", program, recoveryKey] as const),
    ]),
  ];
}

function settingsStep({ addressPool: pool, certificateExpiry, dataPathPort }: SwarmSpec): Step {
  return {
    code: "cluster.settings",
    fact: `node certificates are valid for ${certificateExpiry}, networks get a /${pool.size} of ${pool.base}, and the data path port is ${dataPathPort}`,
    effect: "none",
    call: [
      "swarm_settings",
      secondsOf(certificateExpiry),
      pool.base,
      String(pool.size),
      String(dataPathPort),
    ],
  };
}

/** @param hours as the site file writes them: `8760h`. */
function secondsOf(hours: string): string {
  return String(Number(hours.replace(/h$/, "")) * 3600);
}

function nodeStep(managerAddresses: string) {
  return ({ host, address, role, availability, labels }: SwarmMember): Step => ({
    code: `cluster.node.${host}`,
    fact: `${host} is a ${role} of the swarm${availability === "drain" ? " without tasks" : ""}, with the labels of the site`,
    effect: "none",
    call: [
      "swarm_node",
      ...[host, address, role, availability, managerAddresses],
      ...Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .toSorted(),
    ],
  });
}

function networkSteps({ name, ingress, networks }: SwarmSpec): readonly Step[] {
  const { subnet = "", mtu } = ingress;
  return [
    {
      code: "cluster.ingress",
      fact: `the ingress network has ${subnet === "" ? "" : `the subnet ${subnet} and `}the MTU ${mtu}`,
      effect: "none",
      call: ["swarm_ingress", subnet, String(mtu)],
    },
    ...networks.map((network): Step => ({
      code: `cluster.network.${network.name}`,
      fact: `${words(network)} overlay network ${network.name} has the MTU ${network.mtu}`,
      effect: "none",
      call: [
        "swarm_network",
        ...[name, network.name, network.encrypted ? "encrypted" : "plain"],
        ...[network.attachable ? "attachable" : "closed", String(network.mtu)],
      ],
    })),
    {
      code: "cluster.networks",
      fact: "the swarm has no other networks of Sealift than the site",
      effect: "none",
      call: ["swarm_networks", name, ...networks.map((network) => network.name)],
    },
  ];
}

function words({ encrypted, attachable }: SwarmNetwork): string {
  return [...(encrypted ? ["encrypted"] : ["unencrypted"]), ...(attachable ? ["attachable"] : [])].join(" ");
}
