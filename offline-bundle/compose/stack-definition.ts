/**
 * From a Compose project to what docker stack deploy reads. Its loader is older than Compose: some keys it refuses, and some it ignores
 * without an error, so that only keys pass that are known to take effect. Pure.
 *
 * Sources: docker/cli cli/compose/{schema,loader,convert,types} 26.1 to 29.0, and what `docker stack config` of 26.1.5 answers.
 */
import type { StackDefinition, StackObject } from "../../modules/core/host/compose-project.ts";
import type { ErrorCode, Problem } from "../../modules/core/errors.ts";
import { isRecord } from "../io/json.ts";
import { printable } from "../io/printable.ts";
import type { ComposeModel } from "./compose-plugin.ts";
import type { ComposeSources } from "./compose-sources.ts";
import { entriesOf, hasVariable, listAt, recordAt, textAt } from "./model-values.ts";
import { pathInProject, type ProjectFile } from "./project-files.ts";
import { completedServices } from "./service-definition.ts";

export interface ReadStack {
  readonly stack: StackDefinition;
  /** E_APP_STACK */
  readonly problems: readonly Problem[];
  /** E_APP_STACK_ORDER: what a swarm does without. */
  readonly warnings: readonly Problem[];
}

/**
 * @param app name of the application.
 * @param files of the project, without those of secrets.
 * @param folder of the copy that the plugin has read.
 */
export function stackOf(
  app: string,
  model: ComposeModel,
  files: readonly ProjectFile[],
  folder: string,
  sources: ComposeSources,
): ReadStack {
  const problems: Problem[] = [];
  const refusal = (path: readonly string[], key: string, found: string, fix: string): void => {
    problems.push({
      where: sources.locate(path, key),
      code: "E_APP_STACK",
      subject: [...path, ...(key === "" ? [] : [key])].join("."),
      found: printable(found),
      expected: "what a swarm carries out as it is written: docker stack deploy refuses or ignores this",
      fix,
    });
  };
  const completed = completedServices(entriesOf(model["services"]));
  const volumes = recordAt(model, "volumes");
  const services = entriesOf(model["services"]).map(([name, service]) => {
    const refuse: Refuse = (key, found, fix) => {
      refusal(["services", name], key, found, fix);
    };
    if (!/^[A-Za-z0-9]+([-_]+[A-Za-z0-9]+)*$/.test(name) || `${app}_${name}`.length > maxName)
      refuse(
        "",
        `service ${name}`,
        `use letters, digits, - and _, and at most ${maxName - app.length - 1} of them`,
      );
    if (completed.has(name))
      refuse(
        "",
        "a one-shot, for which other services wait",
        "let the service that needs it do this work at its start; a swarm starts all services at once, and again whenever it likes",
      );
    const own = serviceOf(service, files, folder, refuse);
    placeProblems(service, volumes, refuse);
    return [name, own] as const;
  });
  const networks = networksOf(app, model, (name, key, found, fix) => {
    refusal(["networks", name], key, found, fix);
  });
  const shared = volumesOf(app, model, (name, key, found, fix) => {
    refusal(["volumes", name], key, found, fix);
  });
  for (const [name, config] of entriesOf(model["configs"])) {
    const path = pathInProject(textAt(config, "file") ?? "", folder);
    if (textAt(config, "file") === undefined)
      refusal(
        ["configs", name],
        "",
        "a config that is no file of the project",
        "write it into a file, and name that with file:",
      );
    else
      for (const problem of sizeProblems(path ?? "", files)) refusal(["configs", name], "file", ...problem);
  }
  const { defaults, wrong } = variablesOfFile(files.find(({ path }) => path === ".env"));
  for (const line of wrong)
    refusal(
      [],
      "",
      `.env:${line}`,
      "write NAME=value there, without quotes inside the value and without $; or give the values in the site",
    );
  const stack: StackDefinition = {
    services: Object.fromEntries(services),
    ...(networks.length === 0 ? {} : { networks: Object.fromEntries(networks) }),
    ...(shared.length === 0 ? {} : { volumes: Object.fromEntries(shared) }),
    ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
  };
  for (const text of textsIn(stack))
    if (!isSubstituted(text))
      refusal(
        [],
        "",
        text,
        "use $NAME, ${NAME}, ${NAME-default} or ${NAME:-default}, without a variable inside the default",
      );
  return { stack, problems, warnings: orderWarnings(model, sources) };
}

type Refuse = (key: string, found: string, fix: string) => void;

/** Of a service, a config or a secret of a swarm: moby daemon/cluster, swarmkit manager/controlapi/common.go. */
const maxName = 63;
/** In bytes, of a config: swarmkit, api/validation (MaxConfigSize is 1000 KiB; MaxSecretSize 500 KiB). */
const maxConfigBytes = 1_000 * 1_024;

/** Keys that stack deploy carries out as they are. */
const carried = [
  ...["cap_add", "cap_drop", "command", "dns", "dns_search", "entrypoint", "hostname", "init", "labels"],
  ...["logging", "read_only", "stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tty"],
  ...["ulimits", "user", "working_dir"],
];
/** Keys that concern other programs, or that the definition has in another form. */
const handled = [
  ...["build", "configs", "container_name", "depends_on", "deploy", "env_file", "environment", "expose"],
  ...[
    "extra_hosts",
    "healthcheck",
    "image",
    "networks",
    "ports",
    "pull_policy",
    "restart",
    "secrets",
    "tmpfs",
    "volumes",
  ],
];

const instead: Readonly<Record<string, string>> = {
  cpus: "write deploy.resources.limits.cpus",
  mem_limit: "write deploy.resources.limits.memory",
  mem_reservation: "write deploy.resources.reservations.memory",
  pids_limit: "write deploy.resources.limits.pids",
  scale: "write deploy.replicas",
};

function serviceOf(
  service: ComposeModel,
  files: readonly ProjectFile[],
  folder: string,
  refuse: Refuse,
): StackObject {
  for (const [key, value] of Object.entries(service))
    if (isSet(value) && ![...carried, ...handled].includes(key) && !key.startsWith("x-"))
      refuse(key, `the key ${key}`, instead[key] ?? `remove ${key}, or run this application on hosts`);
  const kept = Object.fromEntries(
    carried.filter((key) => isSet(service[key])).map((key) => [key, service[key]]),
  );
  const environment = environmentOf(service, files, folder, refuse);
  const hosts = listAt(service, "extra_hosts").map((one) => String(one).replace("=", ":"));
  const ports = portsOf(service, refuse);
  const mounts = [...mountsOf(service, folder, files, refuse), ...tmpfsOf(service, refuse)];
  const networks = usedNetworks(service, refuse);
  const used = (key: "configs" | "secrets") => references(service, key, refuse);
  const [configs, secrets] = [used("configs"), used("secrets")];
  return {
    ...kept,
    ...(environment.length === 0 ? {} : { environment: Object.fromEntries(environment) }),
    ...(hosts.length === 0 ? {} : { extra_hosts: hosts }),
    ...(isSet(service["healthcheck"]) ? { healthcheck: service["healthcheck"] } : {}),
    ...(networks === undefined ? {} : { networks }),
    ...(ports.length === 0 ? {} : { ports }),
    ...(mounts.length === 0 ? {} : { volumes: mounts }),
    ...(configs.length === 0 ? {} : { configs }),
    ...(secrets.length === 0 ? {} : { secrets }),
    deploy: deployOf(service, refuse),
  };
}

/** Compose writes numbers and switches in an environment as they are. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? "").replace(/^""$/, "");
}

/** Without these keys. */
function omit(value: StackObject, ...keys: readonly string[]): StackObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false) return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** Only entries with these keys; everything else is refused. */
function only(value: ComposeModel, keys: readonly string[], refuse: (key: string) => void): StackObject {
  for (const [key, one] of Object.entries(value))
    if (isSet(one) && !keys.includes(key) && !key.startsWith("x-")) refuse(key);
  return Object.fromEntries(
    keys.filter((key) => isSet(value[key]) || value[key] === 0).map((key) => [key, value[key]]),
  );
}

/** Values of env_file, then those of environment: the latter win. */
function environmentOf(
  service: ComposeModel,
  files: readonly ProjectFile[],
  folder: string,
  refuse: Refuse,
): readonly (readonly [string, string])[] {
  const variables = new Map<string, string>();
  for (const one of listAt(service, "env_file")) {
    const path = pathInProject(isRecord(one) ? (textAt(one, "path") ?? "") : String(one), folder);
    const { defaults, wrong } = variablesOfFile(files.find((file) => file.path === path));
    for (const line of wrong)
      refuse(
        "env_file",
        `${path ?? ""}:${line}`,
        "write NAME=value there, without quotes inside the value and without $; or use environment:",
      );
    for (const [key, value] of Object.entries(defaults)) variables.set(key, value);
  }
  const written = service["environment"];
  const pairs: readonly (readonly [string, unknown])[] = Array.isArray(written)
    ? written.map((one) => {
        const text = String(one);
        const at = text.indexOf("=");
        return at < 0 ? ([text, null] as const) : ([text.slice(0, at), text.slice(at + 1)] as const);
      })
    : Object.entries(isRecord(written) ? written : {});
  for (const [key, value] of pairs) {
    if (value === null || value === undefined)
      refuse(
        "environment",
        `${key} without a value`,
        `write ${key}: \${${key}}, and give the value in the site`,
      );
    variables.set(key, textOf(value));
  }
  return [...variables];
}

/** Lines of a file for variables that every program reads in the same way; the numbers of all others. */
function variablesOfFile(file: ProjectFile | undefined): {
  readonly defaults: Readonly<Record<string, string>>;
  readonly wrong: readonly number[];
} {
  const defaults: Record<string, string> = {};
  const wrong: number[] = [];
  for (const [index, line] of (file?.content.toString() ?? "").split("\n").entries()) {
    const text = line.replace(/\r$/, "").trim();
    if (text === "" || text.startsWith("#")) continue;
    const [, name, quoted, plain] =
      /^(?:export\s+)?([A-Za-z_]\w*)=(?:(?:"([^"\\$]*)"|'([^'\\$]*)')|[^"'\\$#\s][^"'\\$#]*|)$/.exec(text) ??
      [];
    if (name === undefined) wrong.push(index + 1);
    else defaults[name] = quoted ?? plain ?? text.slice(text.indexOf("=") + 1);
  }
  return { defaults, wrong };
}

/** The ingress of a swarm listens on all addresses of all nodes. */
function portsOf(service: ComposeModel, refuse: Refuse): readonly unknown[] {
  return listAt(service, "ports").map((port) => {
    if (!isRecord(port)) {
      const text = String(port);
      if (text.replaceAll(/\$\{[^${}]*\}/g, "").split(":").length > 2)
        refuse("ports", text, "remove the address: a swarm publishes on all addresses of its nodes");
      return text;
    }
    const taken = only(port, ["target", "published", "protocol", "mode"], (key) => {
      if (key !== "name" && key !== "app_protocol")
        refuse(
          "ports",
          `${key} of a port`,
          key === "host_ip"
            ? "remove the address: a swarm publishes on all addresses of its nodes"
            : `remove ${key}`,
        );
    });
    const published = textAt(port, "published") ?? "";
    if (published.replaceAll(/\$\{[^${}]*\}/g, "").includes("-"))
      refuse("ports", `the range ${published}`, "write each port");
    // A variable is replaced on the way to the swarm.
    return {
      ...omit(taken, "published"),
      ...(published === "" ? {} : { published: /^\d+$/.test(published) ? Number(published) : published }),
    };
  });
}

/** Without files of the project, which become configs. */
function mountsOf(
  service: ComposeModel,
  folder: string,
  files: readonly ProjectFile[],
  refuse: Refuse,
): readonly StackObject[] {
  return listAt(service, "volumes").flatMap((volume): readonly StackObject[] => {
    if (!isRecord(volume)) return [];
    const source = textAt(volume, "source") ?? "";
    const path = volume["type"] === "bind" ? pathInProject(source, folder) : undefined;
    if (path !== undefined) {
      for (const [found, fix] of sizeProblems(path, files)) refuse("volumes", found, fix);
      return [];
    }
    const taken = only(
      volume,
      ["type", "source", "target", "read_only", "bind", "volume", "tmpfs"],
      (key) => {
        refuse("volumes", `${key} of a mount`, `remove ${key}`);
      },
    );
    const inner = (key: string, keys: readonly string[]): StackObject => {
      const found = only(recordAt(volume, key), keys, (one) => {
        // Compose writes it for the short notation; a swarm never makes a folder of a node.
        if (one !== "create_host_path") refuse("volumes", `${key}.${one} of a mount`, `remove ${one}`);
      });
      return Object.keys(found).length === 0 ? {} : { [key]: found };
    };
    const tmpfs = recordAt(inner("tmpfs", ["size"]), "tmpfs");
    return [
      {
        ...omit(taken, "bind", "volume", "tmpfs"),
        ...inner("bind", ["propagation"]),
        ...inner("volume", ["nocopy"]),
        ...(isSet(tmpfs) ? { tmpfs: { size: Number(tmpfs["size"]) } } : {}),
      },
    ];
  });
}

/**
 * docker stack deploy ignores `tmpfs:` of a service, and carries out the same as a mount, which has a size, and otherwise owner root and the
 * mode of the folder in the image.
 */
function tmpfsOf(service: ComposeModel, refuse: Refuse): readonly StackObject[] {
  const written = service["tmpfs"];
  return (Array.isArray(written) ? written : isSet(written) ? [written] : []).map((one): StackObject => {
    const [target = "", options = ""] = String(one).split(/:(.*)/s);
    const others = options.split(",").filter((option) => !/^(|size=\d+[kmg]?)$/.test(option));
    if (others.length > 0)
      refuse(
        "tmpfs",
        `${others.join(",")} of ${target}`,
        `write ${target} without it, and let the program write to another folder, such as /tmp: a tmpfs of a swarm belongs to root`,
      );
    const [, number, unit = ""] = /(?:^|,)size=(\d+)([kmg]?)/.exec(options) ?? [];
    const size = Number(number) * 1_024 ** (unit === "" ? 0 : "kmg".indexOf(unit) + 1);
    return { type: "tmpfs", target, ...(number === undefined ? {} : { tmpfs: { size } }) };
  });
}

/** A config of a swarm is one file of at most 1000 KiB, and not empty. */
function sizeProblems(path: string, files: readonly ProjectFile[]): readonly [found: string, fix: string][] {
  const inside = path === "" ? "" : `${path}/`;
  return files.flatMap((file): [string, string][] => {
    if (file.path !== path && !file.path.startsWith(inside)) return [];
    const bytes = file.content.length;
    if (bytes > 0 && bytes <= maxConfigBytes) return [];
    return [
      [
        `${file.path} with ${bytes} bytes`,
        `mount a file of 1 to ${maxConfigBytes} bytes: it becomes a config of the swarm; put larger files into the image`,
      ],
    ];
  });
}

function usedNetworks(service: ComposeModel, refuse: Refuse): StackObject | undefined {
  const networks = Object.entries(recordAt(service, "networks"));
  if (networks.length === 0) return undefined;
  return Object.fromEntries(
    networks.map(([name, network]) => [
      name,
      isRecord(network)
        ? only(network, ["aliases"], (key) => {
            refuse("networks", `${key} of network ${name}`, `remove ${key}`);
          })
        : {},
    ]),
  );
}

function references(
  service: ComposeModel,
  key: "configs" | "secrets",
  refuse: Refuse,
): readonly StackObject[] {
  return listAt(service, key).map((one) => {
    if (!isRecord(one)) return { source: String(one) };
    const taken = only(one, ["source", "target", "uid", "gid", "mode"], (other) => {
      refuse(key, `${other} in ${key}`, `remove ${other}`);
    });
    const { mode } = taken;
    // Compose writes it as a text of octal digits.
    return {
      ...taken,
      ...(mode === undefined ? {} : { mode: typeof mode === "string" ? Number.parseInt(mode, 8) : mode }),
    };
  });
}

const deployKeys = [
  "mode",
  "replicas",
  "endpoint_mode",
  "labels",
  "placement",
  "resources",
  "restart_policy",
  "rollback_config",
  "update_config",
];
const deployInner: Readonly<Record<string, readonly string[]>> = {
  placement: ["constraints", "preferences", "max_replicas_per_node"],
  restart_policy: ["condition", "delay", "max_attempts", "window"],
  rollback_config: ["parallelism", "delay", "failure_action", "monitor", "max_failure_ratio", "order"],
  update_config: ["parallelism", "delay", "failure_action", "monitor", "max_failure_ratio", "order"],
};

function deployOf(service: ComposeModel, refuse: Refuse): StackObject {
  const deploy = recordAt(service, "deploy");
  const not = (key: string): void => {
    refuse("deploy", `deploy.${key}`, `remove ${key}`);
  };
  const taken = only(deploy, deployKeys, not);
  const mode = textAt(deploy, "mode") ?? "replicated";
  if (mode !== "replicated" && mode !== "global")
    refuse("deploy", `mode ${mode}`, "use replicated or global");
  const inner = Object.fromEntries(
    Object.entries(deployInner).flatMap(([key, keys]) =>
      isSet(deploy[key])
        ? [
            [
              key,
              only(recordAt(deploy, key), keys, (one) => {
                not(`${key}.${one}`);
              }),
            ],
          ]
        : [],
    ),
  );
  const resources = only(recordAt(deploy, "resources"), ["limits", "reservations"], (key) => {
    not(`resources.${key}`);
  });
  const amounts = Object.keys(resources).map((key) => {
    const keys = key === "limits" ? ["cpus", "memory", "pids"] : ["cpus", "memory", "generic_resources"];
    const found = only(recordAt(recordAt(deploy, "resources"), key), keys, (one) => {
      not(`resources.${key}.${one}`);
    });
    return [
      key,
      { ...found, ...(found["cpus"] === undefined ? {} : { cpus: textOf(found["cpus"]) }) },
    ] as const;
  });
  const condition = textAt(recordAt(deploy, "restart_policy"), "condition");
  const restart = restartOf(textAt(service, "restart"));
  return {
    ...taken,
    mode,
    ...inner,
    ...(amounts.length === 0 ? {} : { resources: Object.fromEntries(amounts) }),
    restart_policy:
      condition === undefined
        ? { ...(isRecord(inner["restart_policy"]) ? inner["restart_policy"] : {}), ...restart }
        : {
            ...(inner["restart_policy"] as StackObject),
            condition: condition === "unless-stopped" || condition === "always" ? "any" : condition,
          },
  };
}

/** compose-spec, 05-services.md, "restart"; without it a swarm restarts what has ended, which is what services are for. */
function restartOf(restart: string | undefined): StackObject {
  const [policy = "", times] = (restart ?? "").split(":");
  if (policy === "no") return { condition: "none" };
  if (policy !== "on-failure") return { condition: "any" };
  return { condition: policy, ...(times === undefined ? {} : { max_attempts: Number(times) }) };
}

/** A task may start on any node, and finds there only what the node has. */
function placeProblems(service: ComposeModel, volumes: ComposeModel, refuse: Refuse): void {
  const deploy = recordAt(service, "deploy");
  const constraints = listAt(recordAt(deploy, "placement"), "constraints").map(String);
  const pinned =
    textAt(deploy, "mode") === "global" ||
    constraints.some((one) => /^node\.(hostname|id|labels\.[^ =]+) *==/.test(one));
  for (const volume of listAt(service, "volumes")) {
    if (!isRecord(volume) || volume["type"] !== "volume") continue;
    const source = textAt(volume, "source");
    const { driver, driver_opts: options } = recordAt(volumes, source ?? "");
    if (source === undefined)
      refuse(
        "volumes",
        `a volume without a name at ${textAt(volume, "target") ?? ""}`,
        "name the volume: every new task would begin with an empty one",
      );
    else if (!pinned && (driver === undefined || driver === "local") && !isSet(options))
      refuse(
        "volumes",
        `volume ${source} of whichever node the task starts on`,
        "add deploy.placement.constraints: [node.labels.<name> == <value>], so that the service finds its data again; or give the volume driver_opts of a network file system",
      );
  }
}

type RefuseNamed = (name: string, key: string, found: string, fix: string) => void;

function networksOf(
  app: string,
  model: ComposeModel,
  refuse: RefuseNamed,
): readonly (readonly [string, StackObject])[] {
  return entriesOf(model["networks"]).map(([name, network]) => {
    const keys = ["name", "external", "driver", "driver_opts", "internal", "attachable", "labels", "ipam"];
    const { name: full, ...taken } = only(network, keys, (key) => {
      refuse(name, key, key, `remove ${key}`);
    });
    const driver = textAt(network, "driver");
    if (driver !== undefined && driver !== "overlay")
      refuse(name, "driver", `driver ${driver}`, "remove driver: a stack has overlay networks");
    return [name, full === undefined || full === `${app}_${name}` ? taken : { ...taken, name: full }];
  });
}

function volumesOf(
  app: string,
  model: ComposeModel,
  refuse: RefuseNamed,
): readonly (readonly [string, StackObject])[] {
  return entriesOf(model["volumes"]).map(([name, volume]) => {
    const keys = ["name", "external", "driver", "driver_opts", "labels"];
    const { name: full, ...taken } = only(volume, keys, (key) => {
      refuse(name, key, key, `remove ${key}`);
    });
    return [name, full === undefined || full === `${app}_${name}` ? taken : { ...taken, name: full }];
  });
}

/** Every text in which variables are replaced. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** Whether a text has no other variables than those that a stack file can have. */
function isSubstituted(text: string): boolean {
  return !hasVariable(text.replaceAll(/\$\$|\$\{[A-Za-z_]\w*(:?-[^${}]*)?\}|\$[A-Za-z_]\w*/g, ""));
}

function orderWarnings(model: ComposeModel, { locate }: ComposeSources): readonly Problem[] {
  const services = entriesOf(model["services"]);
  const dropped = ["container_name", "depends_on", "expose"].flatMap((key): readonly Problem[] => {
    const names = services.filter(([, service]) => isSet(service[key])).map(([name]) => name);
    const [first] = names;
    if (first === undefined) return [];
    const code: ErrorCode = "E_APP_STACK_ORDER";
    return [
      {
        where: locate(["services", first], key),
        code,
        subject: key,
        found: `${key}, which a swarm does without: ${names.join(", ")}`,
        expected:
          key === "depends_on"
            ? "services that wait for others by themselves: a swarm starts all of them at once"
            : "names of services",
        fix:
          key === "depends_on"
            ? "let each service try again until what it needs answers; or end it, because a swarm starts it again"
            : `remove ${key}; services reach each other by their names`,
      },
    ];
  });
  return dropped;
}
