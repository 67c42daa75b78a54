/** What was true of a site when a run had ended: for those outside who have to believe it. Pure. */
import { basename } from "node:path";
import { differences } from "../core/drift.ts";
import { mountsOf } from "../core/mounts.ts";
import type { Probe } from "../core/probe.ts";
import type { Step } from "../core/step.ts";
import { certificates } from "../registry/steps.ts";
import type { SurveyedHost } from "../survey.ts";

export interface Receipt {
  readonly format: 3;
  /** Name of the stack. */
  readonly site: string;
  /** Its place among the receipts of this site: 1, 2, 3 … */
  readonly number: number;
  /** The receipt before it; null of the first. One that is left out is missed by the next. */
  readonly previous: { readonly file: string; readonly sha256: string } | null;
  /** ISO 8601, UTC. */
  readonly began: string;
  readonly ended: string;
  readonly bundle: {
    readonly serial: number;
    /** sha256 of the lock that it was built from. */
    readonly lockSha256: string;
    /** Everybody whose signature of the bundle is trusted. */
    readonly signers: readonly string[];
  };
  readonly run: RunReceipt;
  /** What was told of the operator's machine, the bundle and the hosts, and left as it is; facts with a warning are with their host. */
  readonly warnings: readonly WarningReceipt[];
  readonly hosts: readonly HostReceipt[];
}

/** Who ran what, as the operator's own machine says. */
export interface RunReceipt {
  /** Account and name of that machine. */
  readonly user: string;
  readonly machine: string;
  /** Version of Sealift. */
  readonly sealift: string;
  /** The site's files as git has them; null where they are in no git repository, or git is not there. */
  readonly checkout: { readonly commit: string; readonly changed: boolean } | null;
}

export interface WarningReceipt {
  /** A host, or a file. */
  readonly where: string;
  readonly code: string;
  readonly text: string;
}

/** What the run knows by itself of a host, and apart from it what the host says. */
export interface HostReceipt {
  readonly name: string;
  /** `address:port`. */
  readonly address: string;
  /** The engine that the site asks for. */
  readonly engine: string;
  readonly team?: string;
  /** Somebody with the host's pinned key answered. */
  readonly reached: boolean;
  /** Bytes that the lock pins for this host. */
  readonly wanted: readonly FileReceipt[];
  /** Codes of the facts that did not hold before the run and, as the host says, hold now. */
  readonly changed: readonly string[];
  readonly statement: HostStatement;
}

/** What a host says of itself: nobody else has checked it, and one that somebody has taken over may say anything. */
export interface HostStatement {
  /** First eight digits of machine-id(5); absent when nobody answered. */
  readonly machine?: string;
  readonly facts: readonly FactReceipt[];
  /** What the host has hashed, at most a day before for files that have not changed since (inode(7), ctime). */
  readonly installed: readonly FileReceipt[];
  readonly volumes: readonly VolumeReceipt[];
  /** Those that the host has made; none where no registry runs. */
  readonly certificates: readonly CertificateReceipt[];
  /** Who is as good as root there, beside root; absent when the host did not say. */
  readonly access?: AccessReceipt;
  /** What its containers run; absent when the host did not say, or has no engine of the bundle. */
  readonly images?: ImagesReceipt;
}

export interface AccessReceipt {
  /** Members of the group docker. */
  readonly docker: readonly string[];
  /** Whoever sudo lets run something, and what, as far as it can hold no password. */
  readonly sudo: readonly { readonly user: string; readonly rules: string }[];
  /** How many accounts sudo was not asked about, for want of time. */
  readonly unasked: number;
}

export interface ImagesReceipt {
  readonly running: readonly {
    readonly name: string;
    /** `sha256:…` of its configuration, or of its manifest with the containerd store. */
    readonly id: string;
    readonly containers: number;
  }[];
  /** How many more images run, which are not listed. */
  readonly more: number;
}

export interface FileReceipt {
  readonly path: string;
  readonly sha256: string;
}

export interface CertificateReceipt {
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly ends: string;
}

/** A warning is told and left as it is: it is no fact that holds. `unseen`: nobody looked, or the host did not say. */
export const factStates = ["holds", "warned", "fails", "unseen"] as const;
export type FactState = (typeof factStates)[number];

export interface FactReceipt {
  readonly code: string;
  readonly fact: string;
  readonly state: FactState;
  /** What was found in its place; of a warning, what it says. */
  readonly found?: string;
}

export interface VolumeReceipt {
  readonly mount: string;
  readonly bytes: number;
  readonly usedBytes: number;
}

/** The questions of a receipt beside the facts: what is installed, how full the volumes are, and when certificates end. */
export function receiptSteps({
  spec,
  files,
  phases,
}: Pick<SurveyedHost, "spec" | "files" | "phases">): readonly Step[] {
  const question = (code: string, fact: string, ...call: Step["call"]): Step => ({
    ...{ code, fact, call, effect: "none" },
  });
  return [
    question(
      installedCode,
      "the host says what is installed",
      "installed",
      ...pathsOf(files).map(({ path }) => path),
    ),
    ...mountsOf(spec.volumes).map(({ mount }) =>
      question(fillCode(mount), `${mount} is as full as it is`, "fill", mount),
    ),
    ...(phases.registry === undefined ? [] : certificates).map(({ name, path }) =>
      question(endsCode(path), `the ${name} ends when it ends`, "ends", path),
    ),
    question(accessCode, "the host says who may use docker and sudo", "access"),
    question(imagesCode, "the host says which images run", "running_images"),
  ];
}

const installedCode = "receipt.installed";
const accessCode = "receipt.access";
const imagesCode = "receipt.images";
const fillCode = (mount: string): string => `receipt.fill.${mount}`;
const endsCode = (path: string): string => `receipt.ends.${path}`;

/** What the lock pins, and where it lies on the host. */
function pathsOf({ archive, plugins }: SurveyedHost["files"]): readonly FileReceipt[] {
  return [
    ...archive.members.map(({ path, sha256 }) => ({
      path: `/opt/docker/${archive.version}/bin/${basename(path)}`,
      sha256,
    })),
    ...plugins.map(({ name, version, sha256 }) => ({
      path: `/opt/docker/plugins/docker-${name}-${version}`,
      sha256,
    })),
  ];
}

/** @param after the look when the run had ended; `host.probe` is the one before it. */
export function hostReceipt(host: SurveyedHost, after: Probe): HostReceipt {
  const { spec, files, phases, probe } = host;
  const all = Object.values(phases).filter(({ name }) => name !== "preflight" && name !== "delivery");
  const reached = after.kind === "reached";
  const facts = all.flatMap(({ steps }) => steps.map((step) => factOf(step, after)));
  const before = all.flatMap((phase) => differences(phase, probe) ?? []).map(({ step }) => step.code);
  const told = new Set(facts.filter(({ state }) => state === "holds").map(({ code }) => code));
  return {
    name: spec.name,
    address: `${spec.address}:${spec.port}`,
    engine: spec.engine.version,
    ...(spec.team === undefined ? {} : { team: spec.team }),
    reached,
    wanted: pathsOf(files),
    changed: before.filter((code) => told.has(code)),
    statement: {
      ...(reached && after.report.mark !== undefined ? { machine: after.report.mark.machine } : {}),
      facts,
      installed: reached ? installedOf(after) : [],
      volumes: reached ? fillOf(host, after) : [],
      certificates: reached ? endsOf(after) : [],
      ...(reached ? saidOf(after) : {}),
    },
  };
}

function factOf({ code, fact }: Step, after: Probe): FactReceipt {
  if (after.kind !== "reached") return { code, fact, state: "unseen", found: "nobody answered" };
  const report = after.report.steps.find((step) => step.code === code);
  if (report === undefined) return { code, fact, state: "unseen" };
  if (report.status === "ok") return { code, fact, state: "holds" };
  return {
    code,
    fact,
    state: report.status === "warn" ? "warned" : "fails",
    found: report.found || "otherwise",
  };
}

/** PATH_MAX of Linux. */
const longestPath = 4096;

/** `<path> <sha256>`, again and again, with a blank between. */
function installedOf({ report }: Reached): readonly FileReceipt[] {
  const words = (report.values?.[installedCode] ?? "").split(" ");
  return words.flatMap((path, at) => {
    const sha256 = words[at + 1] ?? "";
    return at % 2 === 0 && path.startsWith("/") && path.length <= longestPath && /^[0-9a-f]{64}$/.test(sha256)
      ? [{ path, sha256 }]
      : [];
  });
}

function fillOf(host: SurveyedHost, after: Reached): readonly VolumeReceipt[] {
  return mountsOf(host.spec.volumes).flatMap(({ mount }) => {
    const [, bytes, used] = /^(\d{1,15}) (\d{1,15})$/.exec(answer(after, fillCode(mount))) ?? [];
    return bytes === undefined ? [] : [{ mount, bytes: Number(bytes), usedBytes: Number(used) }];
  });
}

function endsOf(after: Reached): readonly CertificateReceipt[] {
  return certificates.flatMap(({ name, path }) => {
    // As openssl writes it: "Nov 21 18:00:00 2027 GMT".
    const ends = new Date(answer(after, endsCode(path)));
    const four = ends.getUTCFullYear() > 0 && ends.getUTCFullYear() < 10_000;
    return four ? [{ name, ends: ends.toISOString() }] : [];
  });
}

/** Whoever has a host under their hands writes these: what has not the form of an account, a rule or an image is left out. */
function saidOf({ report }: Reached): Pick<HostStatement, "access" | "images"> {
  const access = report.values?.[accessCode];
  const images = report.values?.[imagesCode];
  return {
    ...(access === undefined ? {} : { access: accessOf(access.split("; ")) }),
    ...(images === undefined ? {} : { images: imagesOf(images.split("; ")) }),
  };
}

const account = /^[A-Za-z0-9_.@\\$-]{1,100}$/;

function accessOf(words: readonly string[]): AccessReceipt {
  const of = (key: string): string[] =>
    words.flatMap((word) => (word.startsWith(`${key}=`) ? [word.slice(key.length + 1)] : []));
  return {
    docker: of("docker").filter((name) => account.test(name)),
    sudo: of("sudo").flatMap((text) => {
      const cut = text.indexOf(" ");
      const [user, rules] = [text.slice(0, Math.max(cut, 0)), text.slice(cut + 1, cut + 301)];
      return account.test(user) ? [{ user, rules }] : [];
    }),
    unasked: numberIn(of("unasked")[0]),
  };
}

function imagesOf(words: readonly string[]): ImagesReceipt {
  return {
    running: words.slice(0, 100).flatMap((word) => {
      const [, count, id, name] =
        /^(\d{1,9}) (sha256:[0-9a-f]{64}) ([A-Za-z0-9._:\/@[\]-]{1,300})$/.exec(word) ?? [];
      return id === undefined || name === undefined ? [] : [{ name, id, containers: Number(count) }];
    }),
    more: numberIn(words.find((word) => word.startsWith("more="))?.slice(5)),
  };
}

function numberIn(text: string | undefined): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

function answer({ report }: Reached, code: string): string {
  return report.steps.find((step) => step.code === code)?.found ?? "";
}

type Reached = Extract<Probe, { kind: "reached" }>;
