/** What decides whether the containers of a service are replaced, and how they run. Pure. */
import type { ComposeService } from "../../modules/core/host/compose-project.ts";
import { digestOfBytes } from "../io/digest.ts";
import { isRecord } from "../io/json.ts";
import type { ComposeModel } from "./compose-plugin.ts";
import { entriesOf, listAt, recordAt, textAt } from "./model-values.ts";

type Definition = Pick<
  ComposeService,
  "config" | "variables" | "configs" | "secrets" | "replicas" | "restart"
>;

/**
 * @param model of the project: a service is also what its networks and the configs that stand in the Compose file are. Its volumes are
 * not: their containers keep them.
 * @param folder of the copy that the plugin has read: no part of a definition.
 */
export function definitionOf(service: ComposeModel, model: ComposeModel, folder: string): Definition {
  // Nothing is built on a host.
  const runs = Object.fromEntries(Object.entries(service).filter(([key]) => key !== "build"));
  const [configs = [], secrets = []] = ["configs", "secrets"].map((key) => sourcesAt(service, key));
  const inline = inlineConfigs(model, configs);
  const text = sortedJson([runs, networksOf(service, model), inline]).replaceAll(folder, ".");
  const environment = inline.flatMap(([, config]) => textAt(config, "environment") ?? []);
  const variables = [...new Set([...variablesIn(text), ...environment])].sort();
  const replicas = replicasOf(service);
  const restart = constantRestart(service);
  return {
    config: digestOfBytes(text).sha256.slice(0, 16),
    ...(variables.length === 0 ? {} : { variables }),
    ...(configs.length === 0 ? {} : { configs }),
    ...(secrets.length === 0 ? {} : { secrets }),
    ...(replicas === 1 ? {} : { replicas }),
    ...(restart === undefined ? {} : { restart }),
  };
}

/** @returns 1 where a variable decides. */
export function replicasOf(service: ComposeModel): number {
  const count = Number(textAt(recordAt(service, "deploy"), "replicas") ?? textAt(service, "scale") ?? "1");
  return Number.isSafeInteger(count) ? count : 1;
}

/** compose takes `deploy.restart_policy` before `restart` (pkg/compose/create.go, getRestartPolicy). */
function constantRestart(service: ComposeModel): ComposeService["restart"] {
  const deploy = recordAt(service, "deploy");
  if (isRecord(deploy["restart_policy"])) {
    const condition = textAt(deploy["restart_policy"], "condition") ?? "";
    return condition === "any" || condition === "always" ? "any" : undefined;
  }
  return textAt(service, "restart") === "always" ? "always" : undefined;
}

type Entries = ReturnType<typeof entriesOf>;

/** The networks that a service uses, without the names that compose gives them. */
function networksOf(service: ComposeModel, model: ComposeModel): Entries {
  const used = Object.keys(recordAt(service, "networks"));
  return entriesOf(model["networks"])
    .filter(([name]) => used.includes(name))
    .map(([name, network]) => {
      const { name: full, ...rest } = network;
      return [name, full === `${textAt(model, "name") ?? ""}_${name}` ? rest : network];
    });
}

function inlineConfigs(model: ComposeModel, used: readonly string[]): Entries {
  return entriesOf(model["configs"]).filter(([name, { file }]) => used.includes(name) && file === undefined);
}

/** Services for whose success another one waits. */
export function completedServices(
  services: readonly (readonly [name: string, service: ComposeModel])[],
): ReadonlySet<string> {
  return new Set(
    services.flatMap(([, service]) =>
      entriesOf(service["depends_on"]).flatMap(([name, { condition }]) =>
        condition === "service_completed_successfully" ? [name] : [],
      ),
    ),
  );
}

/** Names in `$NAME` and `${NAME…}`, also inside one another; `$$` is a dollar sign. */
function variablesIn(text: string): readonly string[] {
  const names = [...text.matchAll(/\$\$|\$\{?([A-Za-z_]\w*)/g)].flatMap(([, name]) => name ?? []);
  return [...new Set(names)].sort();
}

function sourcesAt(service: ComposeModel, key: string): readonly string[] {
  const sources = listAt(service, key).map((one) => (isRecord(one) ? textAt(one, "source") : String(one)));
  return [...new Set(sources.filter((one) => one !== undefined))].sort();
}

function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    isRecord(one) ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))) : one,
  );
}
