import { SealiftError } from "../../../modules/core/errors.ts";
import { runProcess } from "../../support/process/run-process.ts";

/** Where a suite of Debian comes from, on this machine. */
export interface DebianSources {
  readonly suite: string;
  /** Base addresses of the archive; at least one. */
  readonly uris: readonly string[];
  /** The file with the archive's keys: Debian package debian-archive-keyring. */
  readonly keyring: string;
  /** The same as lines for apt's sources.list and for mmdebstrap, component main. */
  readonly lines: readonly string[];
}

export const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/**
 * The machine's own Debian archive, for another suite: `trixie`, `bookworm-backports`. What the machine uses is asked of apt
 * itself (`apt-get indextargets`, apt 2.6), which reads both forms of its sources. Env SEALIFT_DEBIAN_MIRROR takes its place.
 *
 * @throws {E_DEBIAN_SOURCES} when the machine has no Debian source (Ubuntu) and none is given.
 */
export async function debianSources(suite: string): Promise<DebianSources> {
  const uris = await archives();
  if (uris.length === 0) throw noSource(suite);
  return {
    suite,
    uris,
    keyring: debianKeyring,
    lines: uris.map((uri) => `deb [signed-by=${debianKeyring}] ${uri} ${suite} main`),
  };
}

/** Whether the machine's own sources name this suite already: naming it twice, with other keys, is an error to apt. */
export async function machineHasSuite(suite: string): Promise<boolean> {
  return (await indexTargets(["--no-release-info"])).some(({ release }) => release === suite);
}

async function archives(): Promise<readonly string[]> {
  const given = process.env["SEALIFT_DEBIAN_MIRROR"];
  if (given !== undefined && given !== "") return [given];
  const known = await targets([]);
  if (known.length > 0) return known;
  // Before the first `apt-get update` apt knows no origin; then the names have to do.
  return targets(["--no-release-info"]);
}

/** Security and the like live in archives of their own, which do not carry other suites. */
const suites = /^(bullseye|bookworm|trixie|forky|duke|oldstable|stable|testing|sid|unstable)(-updates)?$/;

async function targets(options: readonly string[]): Promise<readonly string[]> {
  const uris = (await indexTargets(options)).flatMap(({ uri, release, component, origin }) => {
    const debian = origin === "Debian" || (origin === "$(ORIGIN)" && /\/debian\/?$|^mirror\+/.test(uri));
    return debian && component === "main" && suites.test(release) ? [uri.replace(/\/$/, "")] : [];
  });
  return [...new Set(uris)];
}

interface IndexTarget {
  readonly uri: string;
  readonly release: string;
  readonly component: string;
  /** `$(ORIGIN)` as it stands when apt does not know it. */
  readonly origin: string;
}

async function indexTargets(options: readonly string[]): Promise<readonly IndexTarget[]> {
  const format = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)";
  const { stdout } = await runProcess("apt-get", ["indextargets", ...options, "--format", format]);
  return stdout.split("\n").map((line) => {
    const [uri = "", release = "", component = "", origin = ""] = line.split("\t");
    return { uri, release, component, origin };
  });
}

function noSource(suite: string): SealiftError {
  return new SealiftError([
    {
      where: "this machine",
      code: "E_DEBIAN_SOURCES",
      subject: `Debian ${suite}`,
      found: "no Debian archive among apt's sources",
      expected: "an archive from which the lab guest's packages come",
      fix: "set SEALIFT_DEBIAN_MIRROR to the address of a Debian mirror (the folder that holds dists/)",
    },
  ]);
}
