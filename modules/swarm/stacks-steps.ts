/** The applications of a swarm, as facts of each of its managers. Pure. */
import { blobStep, channelOf } from "../core/host/blob-step.ts";
import type { HostApp, HostFiles } from "../core/host/blob.ts";
import type { Phase, Step } from "../core/host/step.ts";
import { type HostSpec, managedStacks, type StackSpec } from "../core/site/site-spec.ts";
import { stackReleaseOf } from "./stack-file.ts";

/** Where a manager has the stack files. */
const stacksFolder = "/var/lib/sealift/stacks";

/** The phase of one manager; undefined on all other hosts, and where no application is on the swarm. */
export function stacksPhase(
  host: Pick<HostSpec, "stacks" | "swarm" | "registry">,
  { stacks: files = [], secrets = [] }: Pick<HostFiles, "stacks" | "secrets">,
): Phase | undefined {
  const steps = managedStacks(host).flatMap((spec) => {
    const app = files.find(({ name }) => name === spec.name);
    return app === undefined ? [] : stackSteps(spec, app, secrets, host.registry);
  });
  return steps.length === 0 ? undefined : { name: "stacks", steps };
}

function stackSteps(
  spec: StackSpec,
  app: HostApp,
  allSecrets: NonNullable<HostFiles["secrets"]>,
  registry: HostSpec["registry"],
): readonly Step[] {
  const { name, version, keep, update } = spec;
  const { id, text, services, configs, secrets, networks } = stackReleaseOf(spec, app, allSecrets, registry);
  const code = `stacks.${name}`;
  const monitor = Math.max(...services.map((one) => one.monitor));
  const own = [...configs, ...secrets].map((one) => one.name);
  const lines = services.map((one) => [one.name, one.signature, one.image, one.mode, String(one.replicas)]);
  return [
    ...(configs.length === 0
      ? []
      : [
          blobStep(
            `${code}.archive`,
            `the project of ${name} ${version}`,
            name,
            app.archive,
            registry === undefined ? undefined : channelOf(registry),
          ),
          {
            code: `${code}.configs`,
            fact: `${configs.length} files of ${name} ${version} are configs of the swarm, named by their content`,
            effect: "none" as const,
            call: [
              "stack_configs",
              ...[name, app.archive.sha256],
              ...configs.flatMap((one) => [one.name, one.sha256, one.path]),
            ] as const,
          },
        ]),
    ...(secrets.length === 0
      ? []
      : [
          {
            code: `${code}.secrets`,
            fact: `${secrets.length} secrets of ${name} are secrets of the swarm, named by their encrypted files`,
            effect: "none" as const,
            call: ["stack_secrets", name, ...secrets.flatMap((one) => [one.name, one.path])] as const,
          },
        ]),
    {
      code: `${code}.file`,
      fact: `the stack file of ${id} of ${name} lies in ${stacksFolder}`,
      effect: "none",
      call: ["stack_file", stacksFolder, name, text, ...lines.map((words) => words.join(" "))],
    },
    {
      code: `${code}.networks`,
      fact: `the networks of ${name} on the swarm have the definition of ${version}`,
      effect: "none",
      call: ["stack_networks", name, ...networks.flatMap((one) => [one.name, one.signature])],
    },
    ...services.map((one, at): Step => ({
      code: `${code}.service.${one.name}`,
      fact: `service ${one.name} runs on the swarm as ${name} ${version} defines it`,
      effect: "containers-stop",
      call: [
        "stack_service",
        ...[stacksFolder, name, id],
        ...(lines[at] ?? []),
        ...[String(update.timeout), update.failure_action ?? "rollback", String(monitor)],
      ],
    })),
    {
      code: `${code}.rest`,
      fact: `the stack of ${name} has no other services`,
      effect: "containers-stop",
      call: ["stack_rest", name, ...services.map((one) => one.name)],
    },
    {
      code: `${code}.current`,
      fact: `${id} is the release of ${name} that was deployed last`,
      effect: "none",
      call: ["stack_current", stacksFolder, name, id],
    },
    {
      code: `${code}.kept`,
      fact: `at most ${keep} earlier releases of ${name} are kept on the swarm`,
      effect: "none",
      call: ["stack_kept", name, String(keep), ...own],
    },
  ];
}
