/** What a service of a project must not say, because it cannot work on the air-gapped side; and what it had better say. Pure. */
import { posix } from "node:path";
import type { ErrorCode, Problem } from "../../modules/core/errors.ts";
import { isImageReference, readImageName } from "../../modules/core/image-name.ts";
import { hasBareLogin } from "../../modules/core/shown.ts";
import { withoutLogins } from "../../modules/core/visible.ts";
import { isRecord } from "../io/json.ts";
import { printable } from "../io/printable.ts";
import type { ImageSpec } from "../spec/bundle-spec.ts";
import type { ComposeModel } from "./compose-plugin.ts";
import type { ComposeSources } from "./compose-sources.ts";
import { decidingKeys, decidingValues, portsOf, reservedDevices } from "./host-rights.ts";
import { entriesOf, hasVariable, listAt, recordAt, textAt } from "./model-values.ts";
import { completedServices, replicasOf } from "./service-definition.ts";
import type { ProjectFile } from "./project-files.ts";

/** The image of a service as the bundle carries it, or what is wrong with it; neither where another problem says so. */
export function imageOf(
  name: string,
  service: ComposeModel,
  { locate }: ComposeSources,
): { readonly image?: ImageSpec; readonly problem?: Problem } {
  const text = textAt(service, "image");
  if (text === undefined) return {};
  const where = locate(["services", name, "image"]);
  const problem = (found: string, expected: string, fix: string) => ({
    problem: {
      where,
      code: "E_APP_IMAGE" as const,
      subject: `services.${name}.image`,
      found: printable(found),
      expected,
      fix,
    },
  });
  if (hasVariable(text))
    return problem(
      text,
      "a name without variables: the lock pins one digest for it",
      "write the name and tag; a new version of the image is a new version of the application",
    );
  const read = readImageName(text);
  if (!isImageReference(read)) return problem(read.found, read.expected, read.fix);
  if (read.name.endsWith(":latest"))
    return problem(
      text,
      "a tag that names a version: latest is another image tomorrow",
      "write the version that you have tested",
    );
  return { image: { name: read.name, where, ...(read.digest === undefined ? {} : { digest: read.digest }) } };
}

/** All other refusals that concern one service alone. */
export function serviceProblems(
  name: string,
  service: ComposeModel,
  { locate }: ComposeSources,
): readonly Problem[] {
  const problems: Problem[] = [];
  const add = (code: ErrorCode, key: string, found: string, expected: string, fix: string): void => {
    const where = locate(["services", name], key);
    problems.push({
      where,
      code,
      subject: `services.${name}.${key}`,
      found: printable(found),
      expected,
      fix,
    });
  };
  if (!/^[A-Za-z0-9]/.test(name))
    add("E_APP_SERVICE", "", name, "a name that begins with a letter or a digit", "rename the service");
  if (textAt(service, "image") === undefined)
    add(
      "E_APP_BUILD",
      "build" in service ? "build" : "image",
      "build" in service ? "build without image" : "no image",
      "image: a name under which the built image is in a registry or a layout",
      "build and push the image on the connected side, and add image: beside build:",
    );
  const policy = textAt(service, "pull_policy");
  if (policy !== undefined && !["never", "missing", "if_not_present"].includes(policy))
    add(
      "E_APP_PULL",
      "pull_policy",
      policy,
      "missing, never, or no pull_policy: the air-gapped side has only the images of the bundle",
      "remove pull_policy",
    );
  for (const key of ["provider", "profiles"]) {
    const found = service[key];
    if (found === undefined || (Array.isArray(found) && found.length === 0)) continue;
    add(
      "E_APP_SERVICE",
      key,
      key === "provider" ? "a program of the host" : `profiles ${listAt(service, key).join(", ")}`,
      "services that Sealift can start: containers, and in no profile",
      "move this service into a Compose file of its own",
    );
  }
  for (const [key, values] of [
    ...decidingKeys.map((one) => [one, decidingValues(service, one)] as const),
    ["deploy", reservedDevices(service)] as const,
  ])
    if (hasVariable(JSON.stringify(values)))
      add(
        "E_APP_SERVICE",
        key,
        `a variable in ${key}`,
        "a value without variables: a site has to know which rights over a host a service needs",
        "write the value",
      );
  for (const key of ["network_mode", "pid", "ipc"]) {
    const found = textAt(service, key) ?? "";
    if (/^(container|service):/.test(found))
      add(
        "E_APP_SERVICE",
        key,
        found,
        "a service with namespaces of its own: containers are replaced one service at a time",
        "use a network of the project, and a named volume for files that two services share",
      );
  }
  if (listAt(service, "volumes_from").length > 0)
    add(
      "E_APP_SERVICE",
      "volumes_from",
      listAt(service, "volumes_from").join(", "),
      "volumes of its own: containers are replaced one service at a time",
      "name the volume in both services",
    );
  for (const [key, expected, fix] of unusable)
    if (isSet(service[key])) add("E_APP_SERVICE", key, `the key ${key}`, expected, fix);
  for (const [label] of variablesOf(service["labels"]))
    if (/^(com\.docker\.compose|io\.sealift)\./.test(label))
      add(
        "E_APP_SERVICE",
        "labels",
        `the label ${label}`,
        "labels of your own: by these, compose and Sealift know what they have started",
        "remove this label",
      );
  const hooks = ["pre_start", "post_start", "pre_stop"].filter((key) =>
    listAt(service, key).some((hook) => isRecord(hook) && hook["image"] !== undefined),
  );
  for (const key of hooks)
    add(
      "E_APP_IMAGE",
      key,
      "a hook with an image of its own",
      "hooks of the service's image",
      "write a service for it",
    );
  for (const port of portsOf(service))
    if (typeof port === "string")
      add(
        "E_APP_SERVICE",
        "ports",
        port,
        "[address:]port[-port]:port[/protocol]",
        "write the published port so",
      );
  const replicas = replicasOf(service);
  for (const [key, value] of [
    ["deploy", recordAt(service, "deploy")["replicas"]],
    ["scale", service["scale"]],
  ] as const)
    if (hasVariable(String(value)))
      add(
        "E_APP_SERVICE",
        key,
        `a variable in ${key === "deploy" ? "deploy.replicas" : key}`,
        "a number: the facts of a host count the containers",
        "write the number",
      );
  const deployed = recordAt(recordAt(service, "deploy"), "restart_policy")["condition"];
  for (const [key, value] of [
    ["deploy", deployed],
    ["restart", service["restart"]],
  ] as const)
    if (hasVariable(String(value)))
      add(
        "E_APP_SERVICE",
        key,
        `a variable in ${key === "deploy" ? "deploy.restart_policy" : key}`,
        "a restart policy without variables: always becomes unless-stopped on a host, so that the order at boot is kept",
        "write restart: unless-stopped",
      );
  for (const file of listAt(service, "env_file"))
    if (isRecord(file) && file["format"] !== undefined)
      add(
        "E_APP_SERVICE",
        "env_file",
        "an env_file with a format",
        "env files in the notation of Compose: a release has them under other paths",
        "remove format, and quote the values in the file with single quotes",
      );
  const single = portsOf(service).some((port) => typeof port !== "string" && /^\d+$/.test(port.published));
  if (replicas > 1 && single)
    add(
      "E_APP_SERVICE",
      "ports",
      `${replicas} containers that publish one port`,
      "one container, or a range with a port for each",
      "publish the port of a proxy in front of this service instead, or set deploy.replicas to 1",
    );
  for (const [key, value] of variablesOf(service["environment"]))
    if (isSecret(key, value))
      problems.push(
        secretProblem(key, locate(["services", name], "environment"), `services.${name}.environment`),
      );
  return problems;
}

/** Keys whose effect is outside of what the bundle carries, or of what a host compares. */
const unusable: readonly (readonly [key: string, expected: string, fix: string])[] = [
  [
    "credential_spec",
    "keys of Linux containers: this one reads a file or the registry of a Windows host",
    "remove it",
  ],
  [
    "external_links",
    "links to services of this project: the other container may be replaced or absent at any time",
    "name the network of the other project under networks: with external: true, and use the other service's name",
  ],
  [
    "label_file",
    "labels in the Compose file: the lock compares the definition of a service, not the content of this file",
    "write them under labels:",
  ],
  [
    "models",
    "services that run from the images of the bundle: a model comes from a registry, by a program of the host",
    "run the model in a service with an image and a volume of its own",
  ],
];

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** Refusals of the variables in a file of `env_file`. */
export function environmentProblems(
  subject: string,
  { content }: ProjectFile,
  shown: string,
): readonly Problem[] {
  return content
    .toString()
    .split("\n")
    .flatMap((line, index): readonly Problem[] => {
      const [key, value] = assignment(line.trim().replace(/^export\s/, ""));
      const plain = value.replace(/^"(.*)"$|^'(.*)'$/, "$1$2");
      return isSecret(key, plain) ? [secretProblem(key, `${shown}:${index + 1}`, subject)] : [];
    });
}

/** Refusals of variables in a file for interpolation that are settings of compose or docker, and would decide how a host runs them. */
export function settingProblems({ content }: ProjectFile, shown: string): readonly Problem[] {
  return content
    .toString()
    .split("\n")
    .flatMap((line, index): readonly Problem[] => {
      const [, key] = /^[^\w#]*(?:export\s+)?((?:COMPOSE|DOCKER)_\w*)/.exec(line) ?? [];
      if (key === undefined) return [];
      return [
        {
          where: `${shown}:${index + 1}`,
          code: "E_APP_SERVICE",
          subject: "a file for variables",
          found: `a value for ${key}`,
          expected:
            "variables of the project: COMPOSE_… and DOCKER_… are settings of the programs that run it",
          fix: "remove this line",
        },
      ];
    });
}

/** `KEY: value` or `- KEY=value`. */
function variablesOf(environment: unknown): readonly (readonly [key: string, value: string])[] {
  if (Array.isArray(environment)) return environment.map((one) => assignment(String(one)));
  if (!isRecord(environment)) return [];
  return Object.keys(environment).map((key) => [key, textAt(environment, key) ?? ""]);
}

/** `KEY=value`, or `KEY: value` as compose reads it from a file as well. */
function assignment(text: string): readonly [key: string, value: string] {
  const at = text.search(/[=:]/);
  return at < 0 ? [text, ""] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

const secretVariable =
  /(^|[_.-])(passw(or)?d|pwd|passphrase|secret|token|credentials?|(private|secret|access|api|encryption|signing)_?key)$/i;
/** Values of switches such as MYSQL_ALLOW_EMPTY_PASSWORD. */
const switches = /^(yes|no|true|false|on|off|0|1)$/i;
/** `${NAME}`, `${NAME:?message}`, `${NAME:-}`: without a value of its own. */
const onlyVariable = /^\$(\w+|\{\w+(:?\?[^}]*|:?-)?\})$/;

function isSecret(key: string, value: string): boolean {
  if (value === "" || onlyVariable.test(value)) return false;
  if (hasBareLogin(value) || withoutLogins(value) !== value) {
    const login = value.slice(0, value.lastIndexOf("@"));
    return !onlyVariable.test(login.slice(login.lastIndexOf(":") + 1));
  }
  return secretVariable.test(key) && !switches.test(value);
}

function secretProblem(key: string, where: string, subject: string): Problem {
  return {
    where,
    code: "E_APP_SECRET",
    subject,
    found: `a value for ${printable(key)}`,
    expected: "secrets as files: everybody who has the bundle could read this one",
    fix: `declare it under secrets: with file:, and name its path in ${printable(key)}_FILE where the image supports that`,
  };
}

/** What is wrong with a volume, apart from where a bind mount leads. */
export function volumeProblem(service: string, volume: ComposeModel, where: string): Problem | undefined {
  const [type = "", source = "", target = ""] = ["type", "source", "target"].map((key) =>
    textAt(volume, key),
  );
  const subject = `services.${service}.volumes`;
  if (type === "image") {
    const [expected, fix] = ["named volumes and bind mounts", "copy the files into the image of the service"];
    return { where, code: "E_APP_MOUNT", subject, found: "a volume of type image", expected, fix };
  }
  if (!["bind", "tmpfs", "volume"].includes(type)) {
    const [expected, fix] = ["named volumes and bind mounts", "use a named volume"];
    return {
      where,
      code: "E_APP_MOUNT",
      subject,
      found: `a volume of type ${printable(type)}`,
      expected,
      fix,
    };
  }
  const variable = [source, target].find(hasVariable);
  if (variable !== undefined || (type === "bind" && !posix.isAbsolute(source)))
    return {
      where,
      code: "E_APP_MOUNT",
      subject,
      found: printable((variable ?? source).replace(/^.*\/(?=[^/]*\$)/, "")),
      expected: "a path without variables: a site has to know which paths of a host are mounted",
      fix: "write the path, or use a named volume",
    };
  return undefined;
}

/** What is wrong with the networks and volumes of a project. */
export function sharedProblems(model: ComposeModel, { locate }: ComposeSources): readonly Problem[] {
  const networks = entriesOf(model["networks"]).flatMap(([name, network]): readonly Problem[] => {
    const driver = textAt(network, "driver") ?? "";
    if (hasVariable(driver))
      return [
        {
          where: locate(["networks", name], "driver"),
          code: "E_APP_SERVICE",
          subject: `networks.${name}.driver`,
          found: printable(driver),
          expected:
            "a driver without variables: a site has to know which services are on the host's own network",
          fix: "write the driver",
        },
      ];
    const found = textAt(network, "name") ?? "";
    if (!hasVariable(found) && !/^(host|none|container:.*)$/.test(found)) return [];
    return [
      {
        where: locate(["networks", name], "name"),
        code: "E_APP_SERVICE",
        subject: `networks.${name}`,
        found: printable(`name ${found}`),
        expected: "a network of its own, with a name without variables",
        fix: "remove the name; network_mode: host is a right that a site can allow",
      },
    ];
  });
  const volumes = entriesOf(model["volumes"]).flatMap(([name, volume]): readonly Problem[] => {
    const options = recordAt(volume, "driver_opts");
    const given = [textAt(volume, "name") ?? "", textAt(volume, "driver") ?? "", JSON.stringify(options)];
    const found = given.find(hasVariable) ?? given.slice(0, 1).find((one) => one.includes("/"));
    if (found === undefined) return [];
    const key = found === given[0] ? "name" : found === given[1] ? "driver" : "driver_opts";
    return [
      {
        where: locate(["volumes", name], key),
        code: "E_APP_MOUNT",
        subject: `volumes.${name}.${key}`,
        found: printable(found),
        expected: "a volume without variables: a site has to know which paths of a host are mounted",
        fix: "write the value",
      },
    ];
  });
  return [...networks, ...volumes];
}

/** One warning of each kind, for all services that it concerns. */
export function serviceWarnings(
  services: readonly (readonly [name: string, service: ComposeModel])[],
  files: readonly ProjectFile[],
  { locate }: ComposeSources,
): readonly Problem[] {
  const completed = completedServices(services);
  const named = (matches: (service: ComposeModel, name: string) => boolean): readonly string[] =>
    services.filter(([name, service]) => matches(service, name)).map(([name]) => name);
  const warning = (
    code: ErrorCode,
    names: readonly string[],
    subject: string,
    [found, expected, fix]: readonly [string, string, string],
  ): readonly Problem[] => {
    const [first] = names;
    if (first === undefined) return [];
    const where = locate(["services"], first);
    return [{ where, code, subject, found: `${found}: ${names.join(", ")}`, expected, fix }];
  };
  const restarts = (service: ComposeModel): boolean =>
    !["no", "false", ""].includes(textAt(service, "restart") ?? "") ||
    (textAt(recordAt(recordAt(service, "deploy"), "restart_policy"), "condition") ?? "none") !== "none";
  const limited = (service: ComposeModel): boolean =>
    service["mem_limit"] !== undefined ||
    recordAt(recordAt(recordAt(service, "deploy"), "resources"), "limits")["memory"] !== undefined;
  const mounted = services.flatMap(([, service]) =>
    listAt(service, "volumes").map((one) => (isRecord(one) ? one["type"] : "")),
  );
  const programs = mounted.includes("bind")
    ? files.filter(({ executable }) => executable).map(({ path }) => path)
    : [];
  return [
    ...warning(
      "E_APP_HEALTHCHECK",
      named((one, name) => one["healthcheck"] === undefined && !completed.has(name)),
      "healthcheck",
      [
        "no healthcheck",
        "a healthcheck for every service that keeps running: without one, a release counts as healthy once its processes run",
        "add healthcheck: with a test that fails when the service does not answer",
      ],
    ),
    ...warning(
      "E_APP_LIMITS",
      named((one) => !limited(one)),
      "deploy.resources.limits",
      [
        "no memory limit",
        "a limit for every service: without one, it can take the memory of all others",
        "add deploy: { resources: { limits: { memory: 512M } } }",
      ],
    ),
    ...warning(
      "E_APP_ONE_SHOT",
      named((one, name) => !restarts(one) && !completed.has(name)),
      "restart",
      [
        "neither restarted nor waited for",
        "restart: unless-stopped for services that keep running; for others, a service that depends on their success",
        "add restart: unless-stopped, or depends_on: { <service>: { condition: service_completed_successfully } } where it is needed",
      ],
    ),
    ...(programs.length === 0
      ? []
      : warning(
          "E_APP_EXECUTABLE",
          services.slice(0, 1).map(([name]) => name),
          "files",
          [
            `executable files, which are carried without that right (${programs.slice(0, 5).map(printable).join(", ")})`,
            "scripts that are started by their interpreter",
            "write entrypoint: [sh, /path/of/the/script], or put the program into the image",
          ],
        )),
  ];
}
