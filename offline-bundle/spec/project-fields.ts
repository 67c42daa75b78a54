/** A Compose project of the lock as texts that a person compares: every value of it is in one of them. Pure. */
import { digestOfBytes } from "../io/digest.ts";
import type { ComposeProject, ComposeService, StateMount } from "../../modules/core/host/compose-project.ts";

/** The fields in which two projects may differ. */
export const projectFields = [
  "compose",
  "services",
  "definitions",
  "variables",
  "mounts",
  "hostPaths",
  "volumes",
  "ports",
  "hostRights",
  "configs",
  "secrets",
  "stack",
] as const;
export type ProjectField = (typeof projectFields)[number];

export function projectTexts(project: ComposeProject): Readonly<Record<ProjectField, string | undefined>> {
  const { file, services, configs, secrets, stack } = project;
  const each = (of: (service: ComposeService) => readonly string[]): readonly string[] =>
    services.flatMap((service) => of(service).map((text) => `${service.name} ${text}`));
  return {
    compose: file,
    services: joined(each((service) => [runs(service)])),
    definitions: joined(each(({ config }) => [config])),
    variables: joined(each(({ variables = [] }) => variables)),
    mounts: joined(
      each(({ binds = [] }) =>
        binds.map(({ source, target, readOnly }) => `${source}:${target}${readOnly === true ? ":ro" : ""}`),
      ),
    ),
    hostPaths: joined(each(({ hostPaths = [] }) => hostPaths)),
    volumes: joined(each(({ mounts = [] }) => mounts.map(stateMountText))),
    ports: joined(
      each(({ ports = [] }) =>
        ports.map(
          ({ published, protocol, address }) =>
            `${address === undefined ? "" : `${address}:`}${published}/${protocol}`,
        ),
      ),
    ),
    hostRights: joined(each(({ needs = [] }) => needs)),
    configs: joined([
      ...Object.entries(configs ?? {}).map(([name, path]) => `${name} = ${path}`),
      ...each(({ configs: used = [], envFiles = [] }) => [...used, ...envFiles.map((path) => `env ${path}`)]),
    ]),
    secrets: joined([...(secrets ?? []), ...each(({ secrets: used = [] }) => used)]),
    stack:
      stack === undefined
        ? undefined
        : joined(
            Object.entries<object | undefined>({ ...stack }).flatMap(([part, all]) =>
              Object.entries(all ?? {}).map(stackText(part)),
            ),
          ),
  };
}

/** In short: it is the same Compose file in another form. */
function stackText(part: string): (named: readonly [string, unknown]) => string {
  return ([name, value]) => `${part}.${name} ${digestOfBytes(JSON.stringify(value)).sha256.slice(0, 16)}`;
}

function runs({ image, digest, replicas, oneShot, restart }: ComposeService): string {
  const often = replicas === undefined ? "" : ` ${replicas} times`;
  const again = restart === undefined ? "" : ` restart ${restart}`;
  return `${image}${digest === undefined ? "" : `@${digest}`}${often}${oneShot === true ? " once" : ""}${again}`;
}

function joined(texts: readonly string[]): string | undefined {
  return texts.length === 0 ? undefined : texts.join(", ");
}

/** As in a Compose file: `database:/var/lib/postgresql/data`. */
export function stateMountText({ target, volume, source, readOnly }: StateMount): string {
  const from = [volume, source].flatMap((one) => (one === undefined ? [] : [`${one}:`]));
  return `${from.join("")}${target}${readOnly === true ? ":ro" : ""}`;
}
