/** What decides whether the containers of a service are replaced, and how they run. Pure. */
import type { ComposeService } from "../../modules/core/host/compose-project.ts";
import { digestOfBytes } from "../io/digest.ts";
import { isRecord } from "../io/json.ts";
import type { ComposeModel } from "./compose-plugin.ts";
import { entriesOf, listAt, recordAt, textAt } from "./model-values.ts";

type Definition = Pick<ComposeService, "config" | "variables" | "configs" | "secrets" | "replicas">;

/** @param folder of the copy that the plugin has read: no part of a definition. */
export function definitionOf(service: ComposeModel, folder: string): Definition {
  // Nothing is built on a host.
  const runs = Object.fromEntries(Object.entries(service).filter(([key]) => key !== "build"));
  const text = sortedJson(runs).replaceAll(folder, ".");
  const variables = variablesIn(text);
  const [configs, secrets] = ["configs", "secrets"].map((key) => sourcesAt(service, key));
  const replicas = Number(textAt(recordAt(service, "deploy"), "replicas") ?? textAt(service, "scale") ?? "1");
  return {
    config: digestOfBytes(text).sha256.slice(0, 16),
    ...(variables.length === 0 ? {} : { variables }),
    ...(configs === undefined || configs.length === 0 ? {} : { configs }),
    ...(secrets === undefined || secrets.length === 0 ? {} : { secrets }),
    ...(replicas === 1 || !Number.isSafeInteger(replicas) ? {} : { replicas }),
  };
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
