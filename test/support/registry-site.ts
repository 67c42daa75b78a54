/** The documented example with a registry. */
import { changed } from "./site-text.ts";

/** The example with a registry on node-a; its hosts have the containerd store unless `classic` is asked for. */
export function withRegistry(lines: string, store: "containerd" | "classic" = "containerd"): string {
  const registry = `\n    registry:\n${lines.replaceAll(/^/gm, "      ")}\n    hosts:\n`;
  const text = changed(/\n {4}hosts:\n/, registry);
  const volumes = text.replace(
    "mount: /logs }\n",
    "mount: /logs }\n        - { name: registry, size: 20GiB, mount: /registry }\n",
  );
  if (store === "classic") return volumes;
  return volumes.replace("storage-driver: overlay2", "features: { containerd-snapshotter: true }");
}

/** A registry that a host of the site runs. */
export const own = "name: registry.site\nversion: 3.1.2\nmount: /registry\nhosts: [{ name: node-a }]";

/** One that others look after. */
export const external = "external: { url: https://harbor.corp:8443, path: sealift }";
