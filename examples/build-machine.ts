/**
 * A program of another stack, for a machine that builds images and is no host of the site: it gets a Docker context for each host of a Sealift stack,
 * and trusts the site's registry. Run it in its own Pulumi project with @pulumi/pulumi, @pulumi/command and sealift.
 */
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { HostOutput, RegistryOutput } from "sealift";

const config = new pulumi.Config();
const connection = config.requireObject<{ host: string; port: number; user: string; hostKey: string }>(
  "machine",
);
/** The stack of the site; `organization/my-site/prod` in a folder, bucket or database backend. */
const site = new pulumi.StackReference(config.require("site"));
const hosts = site.requireOutput("hosts") as pulumi.Output<Readonly<Record<string, HostOutput>>>;
const registry = site.requireOutput("registry") as pulumi.Output<RegistryOutput>;

const contexts = hosts.apply((all) =>
  Object.entries(all).flatMap(([name, { contexts }]) =>
    Object.entries(contexts).map(([user, url]) => ({ name: `${name}-${user}`, url })),
  ),
);
const create = contexts.apply((all) =>
  all.map(({ name, url }) => `docker context create '${name}' --docker 'host=${url}'`).join("\n"),
);
const remove = contexts.apply((all) => all.map(({ name }) => `docker context rm '${name}'`).join("\n"));
const common = { connection, addPreviousOutputInEnv: false, logging: remote.Logging.None };
new remote.Command("contexts", {
  ...common,
  create: pulumi.interpolate`set -e\n${create}`,
  delete: remove,
});

const certificates = config.get("certificates") ?? "/etc/docker/certs.d";
const folder = registry.apply(({ url }) => `'${certificates}/${new URL(url).host}'`);
new remote.Command("registry-ca", {
  ...common,
  create: pulumi.interpolate`mkdir -p ${folder} && cat >${folder}/ca.crt`,
  stdin: registry.apply(({ caCertificates }) =>
    caCertificates.map(({ certificate }) => certificate).join(""),
  ),
});
