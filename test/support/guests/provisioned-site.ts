/** A host that was provisioned once, with its state, as the start of many tests. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { restartGuest, type Guest } from "../../lab/guest.ts";
import { guestFolder } from "../../lab/guest-record.ts";
import type { MachineNeed } from "../../lab/machine-choice.ts";
import { prepareLab } from "../../lab/prepare.ts";
import { pulumi } from "../../lab/pulumi/pulumi.ts";
import { copyOfTemplate } from "./guest-template.ts";
import { siteMachine, siteOn, startSite, type SiteUnderTest } from "./site-under-test.ts";

/** Name of the guest and, within its state, of the host and the stack: each copy puts its own in place of it. */
const templateOf = ({ kind }: MachineNeed): string => `template-host-${kind}`;
const stateFile = "stack.json";

/** A guest of this name with the lab's site on it, as `pulumi up` left it, and a stack that knows it. */
export async function startProvisionedSite(name: string, machine = siteMachine): Promise<SiteUnderTest> {
  const lab = await prepareLab();
  const template = templateOf(machine);
  const from = await copyOfTemplate(template, () => provision(template, machine), name);
  const site = await siteOn(await restartGuest(name, template), lab);
  const state = readFileSync(join(guestFolder(template), stateFile), "utf8")
    .replaceAll(template, name)
    .replaceAll(new RegExp(`(127\\.0\\.0\\.1:|port\\\\?": ?)${from.port}\\b`, "g"), `$1${site.guest.port}`);
  const file = join(guestFolder(name), stateFile);
  writeFileSync(file, state, { mode: 0o600 });
  const { exitCode, output } = await site.pulumi("stack", "import", "--file", file);
  assert.equal(exitCode, 0, output);
  return site;
}

/** Such a guest alone, beside the one of a site: what Pulumi knows of it is the caller's to bring about. */
export async function startProvisionedGuest(name: string, machine = siteMachine): Promise<Guest> {
  await prepareLab();
  const template = templateOf(machine);
  await copyOfTemplate(template, () => provision(template, machine), name);
  return restartGuest(name, template);
}

async function provision(template: string, machine: MachineNeed): Promise<void> {
  const site = await startSite(template, machine);
  const { exitCode, output } = await site.up();
  assert.equal(exitCode, 0, output);
  const words = ["stack", "export", "--show-secrets", "--stack", `lab-${template}`];
  const exported = await pulumi(words, { env: site.env });
  await site.guest.save(template);
  await site.end("keep the guest");
  writeFileSync(join(guestFolder(template), stateFile), exported.output, { mode: 0o600 });
}
