/** The applications of a host, as a phase. */
import { channelOf } from "../core/host/blob-step.ts";
import { type HostApp, type HostFiles, secretPath } from "../core/host/blob.ts";
import type { Phase } from "../core/host/step.ts";
import { appsFolder, mountsOf } from "../core/site/mounts.ts";
import { inScratch } from "../core/site/rehearsals.ts";
import type { AppSpec, HostSpec } from "../core/site/site-spec.ts";
import { type AppOnHost, appsSteps } from "./steps.ts";

type Host = Pick<HostSpec, "apps" | "images" | "registry" | "volumes" | "store" | "rehearsals">;

/** Pure: the phase of one host; undefined when it neither runs an application nor rehearses a restore of one. */
export function appsPhase(
  { apps, images, registry, volumes, store, rehearsals = [] }: Host,
  { apps: files = [], rehearsed: rehearsedFiles = [], secrets = [] }: HostFiles,
): Phase | undefined {
  const onHost = (spec: AppSpec, among: readonly HostApp[]): readonly AppOnHost[] => {
    const app = among.find(({ name }) => name === spec.name);
    const own = secrets.filter((secret) => secret.app === spec.name);
    const paths = Object.fromEntries(own.map((secret) => [secret.name, secretPath(secret)]));
    return app === undefined ? [] : [{ spec, app, secrets: paths }];
  };
  const rehearsed = rehearsals
    .map(({ app }) => app)
    .filter((app, at, all) => all.findIndex(({ name }) => name === app.name) === at)
    .flatMap((app) => (store === undefined ? [] : onHost(inScratch(app, store.mount), rehearsedFiles)));
  if (apps.length === 0 && rehearsed.length === 0) return undefined;
  return {
    name: "apps",
    steps: appsSteps({
      apps: apps.flatMap((spec) => onHost(spec, files)),
      rehearsed,
      folder: appsFolder(volumes),
      mounts: mountsOf(volumes),
      heldImages: images,
      ...(registry === undefined ? {} : { channel: channelOf(registry) }),
    }),
  };
}
