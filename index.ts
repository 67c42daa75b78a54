/** A site: look at everything, refuse everything that must be refused, then wave after wave one phase after the other on each host. */
import * as pulumi from "@pulumi/pulumi";
import { Host } from "./modules/core/converge.ts";
import { Daemon } from "./modules/daemon/index.ts";
import { Engine } from "./modules/engine/index.ts";
import { explain } from "./modules/core/explain.ts";
import { survey, type SurveyedHost } from "./modules/survey.ts";
import { rollOut } from "./modules/roll-out.ts";
import { leaveReceipt } from "./modules/receipt/issue.ts";
import { Users } from "./modules/users/index.ts";
import { Volumes } from "./modules/volumes/index.ts";

const began = new Date();
const site = await explain(() =>
  survey(new pulumi.Config().getObject("site"), `stacks/Pulumi.${pulumi.getStack()}.yaml`),
);

function provision({ spec, files, phases, probe, warnings }: SurveyedHost): Daemon {
  const { library, serial } = site;
  const blobs = [files.archive, ...files.plugins];
  const host = new Host(spec.name, { spec, library, blobs, probe, warnings, serial });
  const volumes = new Volumes(host, phases.volumes, []);
  const users = new Users(host, phases.users, [volumes]);
  const engine = new Engine(host, phases.engine, [users]);
  return new Daemon(host, phases.daemon, [engine]);
}

const last = await explain(() =>
  rollOut(site, provision).finally(() => leaveReceipt(site, pulumi.getStack(), began)),
);

/** Per host: what it runs. */
export const report = Object.fromEntries(
  site.hosts.map(({ spec }) => [
    spec.name,
    { engine: spec.engine.version, daemon: last.get(spec.name)?.urn },
  ]),
);
