/** A site that a program has written: as plain values, with those of the Outputs in it. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { refuse, SealiftError, type Problem } from "../errors.ts";
import type { UnprobedHost } from "../host/probe.ts";
import { shown, subject } from "../shown.ts";
import type { Path } from "../document/locate.ts";
import { programPlace } from "../site/site-text.ts";
import { outputEnd, type OutputEnd } from "./known-output.ts";

export interface PlainSite {
  /** The site; an address, port or host key that this run does not know has a placeholder. */
  readonly value: unknown;
  /** Hosts whose address, port or host key this run does not know, by name. */
  readonly unprobed: ReadonlyMap<string, UnprobedHost>;
  /** By name of each host whose address, port or host key is an Output: these, for the dependencies of its resources. */
  readonly outputs: ReadonlyMap<string, pulumi.Output<unknown>>;
}

/** An Output of the site, or a promise. */
interface Found {
  readonly path: Path;
  readonly output: pulumi.Output<unknown>;
}

interface ResolvedOutput extends Found, OutputEnd<unknown> {}

/** Values that another resource of the program may determine: what the preview does not know, an update waits for. */
const waitedFor: ReadonlySet<string> = new Set(["address", "port", "hostKey"]);

/**
 * The site with placeholders for all of its Outputs: what is wrong with the rest shows before anybody waits.
 * @throws {SealiftError} E_TYPE for every value that no site file could hold.
 */
export function withPlaceholders(site: unknown): unknown {
  return plain(site, ({ path }) => placeholder(path)).value;
}

/**
 * Waits for all Outputs of a site.
 * @throws {SealiftError} E_TYPE for every value that no site file could hold; E_OUTPUT for an Output that never gets a value, and for one without
 * a value that is no host's address, port or host key.
 */
export async function plainSite(site: unknown): Promise<PlainSite> {
  const { found } = plain(site, () => undefined);
  const resolved = await resolveOutputs(found);
  const unknown = resolved.filter(({ end }) => end !== "known");
  refuse(unknown.flatMap((one) => (hostOf(one.path) === undefined ? [valueMissing(one)] : [])));
  const values = new Map(resolved.map(({ path, end, value }) => [JSON.stringify(path), { end, value }]));
  const { value } = plain(site, ({ path }) => {
    const one = values.get(JSON.stringify(path));
    return one?.end === "known" ? one.value : placeholder(path);
  });
  const nameOf = (index: number): string => String(hostsOf(value)[index]?.["name"]);
  const unprobed = unknown.flatMap((one) => {
    const host = hostOf(one.path);
    return host === undefined ? [] : [[nameOf(host), unprobedHost(nameOf(host), one)] as const];
  });
  const byHost = Map.groupBy(found, ({ path }) => hostOf(path));
  const outputs = [...byHost].flatMap(([host, list]) =>
    host === undefined ? [] : [[nameOf(host), pulumi.all(list.map(({ output }) => output))] as const],
  );
  return { value, unprobed: new Map(unprobed), outputs: new Map(outputs) };
}

/** The index of the host whose address, port or host key this is. */
function hostOf([list, index, key, ...below]: Path): number | undefined {
  if (list !== "hosts" || typeof index !== "number" || below.length > 0) return undefined;
  return waitedFor.has(String(key)) ? index : undefined;
}

function hostsOf(site: unknown): readonly (Readonly<Record<string, unknown>> | undefined)[] {
  return (site as { hosts?: readonly Readonly<Record<string, unknown>>[] }).hosts ?? [];
}

/** A copy of plain maps, lists and values. @param valueOf what stands for an Output. */
function plain(
  site: unknown,
  valueOf: (found: Found) => unknown,
): { readonly value: unknown; readonly found: readonly Found[] } {
  const found: Found[] = [];
  const problems: Problem[] = [];
  const copy = (value: unknown, path: Path, around: readonly object[]): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (pulumi.Output.isInstance(value) || value instanceof Promise) {
      const one = { path, output: pulumi.output<unknown>(value) };
      found.push(one);
      return valueOf(one);
    }
    if (around.includes(value)) problems.push(unsupportedValue(path, "a value that contains itself"));
    else if (Array.isArray(value))
      return value.map((item, index) => copy(item, [...path, index], [...around, value]));
    else if (isMap(value))
      return Object.fromEntries(
        Object.entries(value)
          .filter(([, member]) => member !== undefined)
          .map(([key, member]) => [key, copy(member, [...path, key], [...around, value])]),
      );
    else problems.push(unsupportedValue(path, `an object of the class ${shown(value.constructor.name)}`));
    return undefined;
  };
  const value = copy(site, [], []);
  refuse(problems);
  return { value, found };
}

function isMap(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Waits until each Output has a value, or is known to get none. Node runs out of work when all of them wait for something that never comes. */
async function resolveOutputs(found: readonly Found[]): Promise<readonly ResolvedOutput[]> {
  const open = new Set(found);
  const deadlock = Promise.withResolvers<never>();
  const outOfWork = (): void => {
    deadlock.reject(new SealiftError([...open].map(unresolvedProblem)));
  };
  process.on("beforeExit", outOfWork);
  try {
    const all = found.map(async (one) => {
      const outcome = await outputEnd(one.output);
      open.delete(one);
      return { ...one, ...outcome };
    });
    return await Promise.race([Promise.all(all), deadlock.promise]);
  } finally {
    process.off("beforeExit", outOfWork);
  }
}

/**
 * Passes the schema and the rules, also those for a registry host, whose address is an IPv4 one. No host has an address of 198.18.0.0/15,
 * which is for benchmarks of network devices (RFC 2544, section C.2.2).
 */
function placeholder(path: Path): unknown {
  const host = hostOf(path);
  if (host === undefined) return "placeholder";
  if (path.at(-1) === "address") return `198.${18 + ((host >> 16) & 1)}.${(host >> 8) & 255}.${host & 255}`;
  if (path.at(-1) === "port") return 65_535 - (host & 32_767);
  const type = Buffer.from("ssh-ed25519");
  const key = createHash("sha256").update(`host ${host}`).digest();
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, type.length]),
    type,
    Buffer.from([0, 0, 0, key.length]),
    key,
  ]);
  return `ssh-ed25519 ${blob.toString("base64")}`;
}

function unsupportedValue(path: Path, found: string): Problem {
  return {
    where: programPlace(path),
    code: "E_TYPE",
    subject: subject(path),
    found,
    expected: "maps, lists, texts, numbers and booleans, as in a site file, or an Output of one",
    fix: "pass the value itself, for example an Output of the resource in place of the resource",
  };
}

function unresolvedProblem({ path }: Found): Problem {
  return {
    where: programPlace(path),
    code: "E_OUTPUT",
    subject: subject(path),
    found: "an Output that never gets a value: the program has nothing left to do and still waits for it",
    expected: "an Output of a resource, or a promise that is resolved",
    fix: "create the resource before provisionSite is called, and resolve every promise; a value that depends on this site cannot be one of its inputs",
  };
}

function valueMissing(one: ResolvedOutput): Problem {
  return {
    where: programPlace(one.path),
    code: "E_OUTPUT",
    subject: subject(one.path),
    found: withoutValue(one),
    expected: "a value that every run knows; only a host's address, port and hostKey may become known later",
    fix: "use a value of the program or of its configuration",
  };
}

function unprobedHost(where: string, one: ResolvedOutput): UnprobedHost {
  const common = {
    where,
    code: "E_OUTPUT",
    subject: String(one.path.at(-1)),
    found: withoutValue(one),
  } as const;
  const expected = "the value, so that the host can be probed";
  if (pulumi.runtime.isDryRun() && one.end === "left out") {
    const fix =
      "none before the update: it waits for the value, then probes the host and makes every refusal before it changes the host";
    return { kind: "pending", problem: { ...common, expected, fix } };
  }
  const fix =
    one.end === "failed"
      ? "correct the error of the resource that gives it, then run pulumi up again"
      : "run pulumi up without --target and --exclude: this run did not create the resource that gives it";
  return { kind: "unreachable", problem: { ...common, expected, fix } };
}

function withoutValue({ end }: ResolvedOutput): string {
  return end === "failed"
    ? "an Output whose resource failed"
    : "an Output whose value this run does not know";
}
