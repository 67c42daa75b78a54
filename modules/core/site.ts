/** The site: what a person wrote, checked whole, and completed per host. Types and reading; the rules are beside it. */
import { readFileSync } from "node:fs";
import type { ImageStore } from "./image-store.ts";
import { refuse } from "./errors.ts";
import { locate, type Locate } from "./locate.ts";
import { mergeHost, type SiteFile } from "./merge.ts";
import { schemaProblems } from "./schema.ts";
import { siteProblems } from "./rules/site-rules.ts";

/** Architectures in Docker's words. */
export type Architecture = "amd64" | "arm64";

export interface UserSpec {
  readonly name: string;
  readonly uid: number;
  readonly systemUid?: boolean;
  /** @default "/bin/bash" */
  readonly shell?: string;
  readonly authorizedKeys: readonly string[];
}

export interface LogicalVolumeSpec {
  readonly name: string;
  /** `20GiB` or `2TiB`. */
  readonly size: string;
  /** @default "xfs" */
  readonly filesystem?: "xfs" | "ext4";
  readonly mount: string;
}

export interface VolumesSpec {
  readonly disk: string;
  readonly group: string;
  readonly logical: readonly LogicalVolumeSpec[];
}

/** Exact versions; the bundle has to hold them. */
export interface EngineChoice {
  readonly version: string;
  /** Plugins of the docker command; absent: Sealift installs none. */
  readonly compose?: string;
  readonly buildx?: string;
}

/** daemon.json, in Docker's own words. */
export interface DaemonSpec {
  readonly "data-root": string;
  readonly [key: string]: unknown;
}

/** One ceiling for all containers of a host together. */
export interface ContainerLimitsSpec {
  /** `24GiB`, `512MiB`, `1TiB`, or `80%` of the host's. @default none */
  readonly memory?: string;
  /** A number of processors, or `75%` of the host's. @default none */
  readonly cpus?: number | string;
  /** Processes and threads. @default none */
  readonly tasks?: number;
}

/** One host with everything it inherits from the site. */
export interface HostSpec {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly login: string;
  readonly hostKey: string;
  readonly architecture: Architecture;
  readonly users: readonly UserSpec[];
  readonly volumes: VolumesSpec;
  readonly engine: EngineChoice;
  /** What daemon.json chooses, for the guards that keep a host from losing sight of its images. */
  readonly imageStore: ImageStore;
  readonly daemon: DaemonSpec;
  readonly containerLimits?: ContainerLimitsSpec;
}

export interface Site {
  readonly bundle: { readonly directory: string; readonly allowedSigners: string; readonly lock?: string };
  readonly hosts: readonly HostSpec[];
}

/**
 * Checks a site that Pulumi has read and completes its hosts.
 * @param value the value of `sealift:site`.
 * @param file the stack file, for line and column; what it does not hold is named without them.
 * @throws {SealiftError} with every problem of the file at once.
 */
export function readSite(value: unknown, file: string): Site {
  const place = locate(file, readText(file), ["config", "sealift:site"]);
  return checkSite(value, place);
}

/** The same for a text that is there already. @throws {SealiftError} */
export function checkSite(value: unknown, place: Locate): Site {
  // A rule across keys would stumble over a value of the wrong type.
  refuse(schemaProblems(value, place));
  const file = value as SiteFile;
  const hosts = file.hosts.map((host) => mergeHost(file, host));
  refuse(siteProblems(file, hosts, place));
  return { bundle: file.bundle, hosts: hosts as readonly HostSpec[] };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
