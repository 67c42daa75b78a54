/** A site: look at everything, refuse everything that must be refused, then one phase after the other on each host. */
import * as pulumi from "@pulumi/pulumi";
import { Host } from "./modules/core/converge.ts";
import { Daemon } from "./modules/daemon/index.ts";
import { Engine } from "./modules/engine/index.ts";
import { explain } from "./modules/core/explain.ts";
import { Registry, Seed } from "./modules/registry/index.ts";
import { survey } from "./modules/survey.ts";
import { settledTrust, Trust } from "./modules/trust/index.ts";
import { Users } from "./modules/users/index.ts";
import { Volumes } from "./modules/volumes/index.ts";

const { serial, library, authorities, hosts } = await explain(() =>
  survey(new pulumi.Config().getObject("site"), {
    file: `stacks/Pulumi.${pulumi.getStack()}.yaml`,
    unreachable: pulumi.runtime.isDryRun() ? "tell" : "refuse",
  }),
);

const begun = hosts.map((seen) => {
  const { spec, deliveries, phases, probe, warnings } = seen;
  const host = new Host(spec.name, { spec, library, blobs: deliveries, probe, warnings, serial });
  const volumes = new Volumes(host, phases.volumes, []);
  return { ...seen, host, users: new Users(host, phases.users, [volumes]) };
});

/** The hosts that run the registry, with the bundle in it: before all that it feeds. */
const registries = begun.flatMap(({ host, phases, seeds, users }) => {
  if (phases.registry === undefined || phases.seed === undefined) return [];
  const registry = new Registry(host, phases.registry, [users]);
  const seed = new Seed(host, phases.seed, [registry, ...host.send(seeds, [registry])]);
  return [{ authority: registry.authority, seed }];
});

/** Per host: what each phase reported. */
export const report = Object.fromEntries(
  begun.map(({ spec, phases, host, users }) => {
    const made = registries.map(({ authority }) => authority);
    const settled = authorities === undefined ? settledTrust(spec, made) : undefined;
    const after = [users, ...registries.map(({ seed }) => seed)];
    const trust = phases.trust === undefined ? [] : [new Trust(host, phases.trust, after, settled)];
    const engine = new Engine(host, phases.engine, [users, ...trust]);
    const daemon = new Daemon(host, phases.daemon, [engine]);
    return [spec.name, { engine: spec.engine.version, daemon: daemon.urn }];
  }),
);
