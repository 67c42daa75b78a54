/** A site: look at everything, refuse everything that must be refused, then one phase after the other on each host. */
import * as pulumi from "@pulumi/pulumi";
import { Host } from "./modules/core/converge.ts";
import { Daemon } from "./modules/daemon/index.ts";
import { Engine } from "./modules/engine/index.ts";
import { explain } from "./modules/core/explain.ts";
import { survey } from "./modules/survey.ts";
import { Users } from "./modules/users/index.ts";
import { Volumes } from "./modules/volumes/index.ts";

const { serial, library, hosts } = await explain(() =>
  survey(new pulumi.Config().getObject("site"), {
    file: `stacks/Pulumi.${pulumi.getStack()}.yaml`,
    unreachable: pulumi.runtime.isDryRun() ? "tell" : "refuse",
  }),
);

/** Per host: what each phase reported. */
export const report = Object.fromEntries(
  hosts.map(({ spec, files, phases, probe, warnings }) => {
    const blobs = [files.archive, ...files.plugins];
    const host = new Host(spec.name, { spec, library, blobs, probe, warnings, serial });
    const volumes = new Volumes(host, phases.volumes, []);
    const users = new Users(host, phases.users, [volumes]);
    const engine = new Engine(host, phases.engine, [users]);
    const daemon = new Daemon(host, phases.daemon, [engine]);
    return [spec.name, { engine: spec.engine.version, daemon: daemon.urn }];
  }),
);
