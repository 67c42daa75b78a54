/** The applications of a host, as a phase. */
import { channelOf } from "../core/host/blob-step.ts";
import { type HostFiles, secretPath } from "../core/host/blob.ts";
import type { Phase } from "../core/host/step.ts";
import { mountOf, mountsOf } from "../core/site/mounts.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import { appsSteps } from "./steps.ts";

/** Pure: the phase of one host; undefined when it runs no application. */
export function appsPhase(
  { apps, images, registry, volumes }: Pick<HostSpec, "apps" | "images" | "registry" | "volumes">,
  { apps: files = [], secrets = [] }: HostFiles,
): Phase | undefined {
  if (apps.length === 0) return undefined;
  return {
    name: "apps",
    steps: appsSteps({
      apps: apps.flatMap((spec) => {
        const app = files.find(({ name }) => name === spec.name);
        const own = secrets.filter((secret) => secret.app === spec.name);
        const paths = Object.fromEntries(own.map((secret) => [secret.name, secretPath(secret)]));
        return app === undefined ? [] : [{ spec, app, secrets: paths }];
      }),
      folder: folderOf(volumes),
      mounts: mountsOf(volumes),
      heldImages: images,
      ...(registry === undefined ? {} : { channel: channelOf(registry) }),
    }),
  };
}

/** On the volume for services, where the site has one. */
function folderOf(volumes: HostSpec["volumes"]): string {
  return mountOf("/svc/apps", mountsOf(volumes)) === undefined ? "/var/lib/sealift/apps" : "/svc/apps";
}
