/** The applications of an environment on its hosts, without Pulumi; changes nothing. */
import { inParallel } from "../../offline-bundle/io/parallel.ts";
import { appsPhase } from "../apps/index.ts";
import {
  appServiceCode,
  appStatusCode,
  isWell,
  parseAppStatus,
  versionOf,
  type AppStatus,
} from "../apps/status.ts";
import { dataStatusOf, statusSteps, type DataStatus } from "../backup/data-status.ts";
import { backupPhase, rehearsalPhase, storePhase } from "../backup/index.ts";
import type { Problem } from "../core/errors.ts";
import type { Library } from "../core/host/library.ts";
import { probe, type Probe } from "../core/host/probe.ts";
import type { StepReport } from "../core/host/report.ts";
import { isOwnBackup } from "../core/site/backed-apps.ts";
import type { AppSpec } from "../core/site/site-spec.ts";
import { ownMember } from "../core/site/swarm.ts";
import { readStackFile } from "../environments/stack-file.ts";
import { backedUpApps, type BackedUpApp } from "./diagnosis.ts";
import { stacksPhase } from "../swarm/stacks-steps.ts";
import {
  libraryForProbe,
  loadSite,
  probeConcurrency,
  withoutSecretSteps,
  type PlannedHost,
} from "./probe-site.ts";
import { type ManagerAnswer, siteSwarm, type SiteSwarm, swarmQuestions } from "./swarm-status.ts";

/** One application on one host. */
export interface HostedApp {
  readonly app: string;
  readonly host: string;
  /** Version of the site. */
  readonly expected: string;
  /** It runs as the site wants it, and all its services are well. */
  readonly ok: boolean;
  /** Its current release is the one that the site wants, with its values. */
  readonly current: boolean;
  /** Version of its current release; absent: none, or the host did not say. */
  readonly version?: string;
  /** Services that do not run as the expected version defines them, and what was found. */
  readonly differing: readonly { readonly service: string; readonly found: string }[];
  /** Containers of services that the expected version does not have, in words. Default none. */
  readonly others?: string;
  /** What the host says runs; absent when it did not say. */
  readonly running?: AppStatus;
  /** What the hosts say about its data; absent: it is not backed up. */
  readonly data?: DataStatus;
  /** Why the host could not be asked. */
  readonly problem?: Problem;
}

export interface SiteStatus {
  /** Every application runs as the site wants it on each of its hosts. */
  readonly ok: boolean;
  readonly environment: string;
  /** Of the bundle and the site file. */
  readonly problems: readonly Problem[];
  /** Secrets of the site file that are not decrypted: an application that uses one of them counts as changed. */
  readonly unread: readonly string[];
  /** By application, then in the order of the site's hosts. */
  readonly applications: readonly HostedApp[];
  /** Registries and receipts that are backed up, in the order of the site's hosts. */
  readonly others: readonly BackedUpApp[];
  /** Absent: the site has no swarm. */
  readonly swarm?: SiteSwarm;
}

/**
 * @param environment as in stacks/<environment>.site.yaml.
 * @param report called with the current activity and its progress.
 * @throws {SealiftError} with every problem of the site file: without it no host is known.
 */
export async function siteStatus(
  environment: string,
  report: (text: string, fraction?: number) => void,
): Promise<SiteStatus> {
  const { file, value, unread, problems } = readStackFile(environment);
  const site = await loadSite(value, file, (bytes, total) => {
    report("reading the bundle", bytes / total);
  });
  const hosts = site.hosts.filter(
    ({ spec }) => spec.apps.length > 0 || spec.store !== undefined || spec.backup !== undefined,
  );
  const library = libraryForProbe(site.library);
  // Asked at the same time as the hosts.
  const managers = managersOf(site.hosts, library);
  let done = 0;
  const { values } = await inParallel(hosts, probeConcurrency, async ({ spec, files }) => {
    if (files === undefined) return [];
    const apps = spec.apps.length === 0 ? undefined : appsPhase(spec, files);
    const data = [
      storePhase(spec, files, unknownStores),
      backupPhase(spec, files, unknownStores),
      rehearsalPhase(spec, files),
    ];
    const phases = [...(apps === undefined ? [] : [withoutSecretSteps(apps)]), ...statusSteps(data)];
    if (phases.length === 0) return [];
    const found = await probe(spec, phases, library);
    done += 1;
    report(`probing ${hosts.length} hosts, ${done} done`, done / hosts.length);
    return [{ spec, found }];
  });
  const probed = values.flat();
  const valuesOf = (name: string): Readonly<Record<string, string>> => {
    const found = probed.find(({ spec }) => spec.name === name)?.found;
    return found?.kind === "reached" ? (found.report.values ?? {}) : {};
  };
  const applications = probed
    .flatMap(({ spec, found }) =>
      spec.apps.map((app): HostedApp => {
        const data = dataStatusOf(spec, app, valuesOf);
        return { ...hostedApp(spec.name, app, found), ...(data === undefined ? {} : { data }) };
      }),
    )
    .toSorted((one, other) => compare(one.app, other.app));
  const others = backedUpApps(probed.map(({ spec, found }) => ({ spec, probe: found }))).filter(({ app }) =>
    isOwnBackup(app),
  );
  const all = [...problems, ...site.problems];
  const swarm = siteSwarm(await managers);
  return {
    ok: all.length === 0 && applications.every(({ ok }) => ok) && swarm?.ok !== false,
    ...{ environment, problems: all, unread, applications, others },
    ...(swarm === undefined ? {} : { swarm }),
  };
}

/** What the managers of the swarm say, in the order in which they answer. */
async function managersOf(
  hosts: readonly PlannedHost[],
  library: Library,
): Promise<readonly ManagerAnswer[]> {
  const answers: ManagerAnswer[] = [];
  await Promise.all(
    hosts.map(async ({ spec, files }) => {
      if (spec.swarm === undefined || ownMember(spec.swarm).role !== "manager") return;
      const stacks = files === undefined ? undefined : stacksPhase(spec, files);
      const found = await probe(spec, swarmQuestions(spec, stacks), library);
      answers.push({ spec, stacks: files?.stacks ?? [], found });
    }),
  );
  return answers;
}

/** Their certificates are no part of what they report here. */
const unknownStores = new Map<string, string>();

/** Pure. */
export function hostedApp(
  host: string,
  { name: app, version: expected }: Pick<AppSpec, "name" | "version">,
  found: Probe,
): HostedApp {
  const common = { app, host, expected };
  if (found.kind !== "reached")
    return { ...common, ok: false, current: false, differing: [], problem: found.problem };
  const { steps, values = {} } = found.report;
  const fact = (code: string): StepReport | undefined =>
    steps.find((step) => step.code === `apps.${app}.${code}`);
  const rest = fact("rest");
  const services = appServiceCode(app, "");
  const differing = steps.flatMap(({ code, status, found: what }) =>
    code.startsWith(services) && status !== "ok"
      ? [{ service: code.slice(services.length), found: what }]
      : [],
  );
  const value = values[appStatusCode(app)];
  const running = value === undefined ? undefined : parseAppStatus(value);
  const current = fact("current")?.status === "ok";
  const others = rest?.status === "ok" ? undefined : (rest?.found ?? "not checked");
  const well = running?.services.every(({ health }) => isWell(health)) === true && running.more === 0;
  return {
    ...common,
    ok: current && well && differing.length === 0 && others === undefined,
    current,
    ...(running?.release === undefined ? {} : { version: versionOf(running.release) }),
    differing,
    ...(others === undefined ? {} : { others }),
    ...(running === undefined ? {} : { running }),
  };
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
