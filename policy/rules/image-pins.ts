import { at, type RuleResource } from "./rule.ts";

/** Where resources of the provider `docker` name an image. */
const places: Readonly<Record<string, readonly string[]>> = {
  "docker:index/container:Container": ["image"],
  "docker:index/remoteImage:RemoteImage": ["name"],
  "docker:index/service:Service": ["taskSpec", "containerSpec", "image"],
};

/** `name@sha256:…`, or the id of an image that is on the host. */
const pinned = /(^|@)sha256:[0-9a-f]{64}$/;

export function imagePins({ type, name, props }: RuleResource): readonly string[] {
  const place = places[type];
  if (place === undefined) return [];
  const image = at(props, ...place);
  if (typeof image === "string" && pinned.test(image)) return [];
  const found = typeof image === "string" ? image.slice(0, 120) : "no image";
  return [
    `${name} has an image without a digest in ${place.join(".")} (${found}); name it as <image>@sha256:<digest>`,
  ];
}
