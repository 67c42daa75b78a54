/** From a site file to a site: completely validated, and completed for each host. The rules are in rules/. */
import { refuse, type Problem } from "../errors.ts";
import { compose, type Composed } from "./layers/compose.ts";
import { exactVersions, type SeriesResolver } from "./layers/exact-versions.ts";
import type { Locate } from "../document/locate.ts";
import { withHostsFiles } from "./layers/hosts-files.ts";
import { mergeHost, type SiteFile } from "./merge.ts";
import { withPastedKeys } from "./pasted-keys.ts";
import { plainSecretProblems } from "./rules/secrets.ts";
import { siteProblems } from "./rules/site-rules.ts";
import { schemaProblems } from "./schema.ts";
import type { SiteBundleSpec, HostSpec, Site } from "./site-spec.ts";
import { placesOf, withPasswordHashes } from "./site-text.ts";

/**
 * Validates a site that Pulumi has read and completes its hosts.
 *
 * @param value the site as written.
 * @param file the site file, for line and column; values that are not in it are reported without them.
 * @param lines resolves a release series such as `28.5`; without it, the series stays as it is.
 * @throws {SealiftError} with every problem of the file at once.
 */
export function readSite(value: unknown, file: string, lines?: SeriesResolver): Site {
  return completeSite(composeSite(value, file), lines);
}

/** The environment merged with its shared file, not validated yet. @throws {SealiftError} when it cannot be merged. */
export function composeSite(value: unknown, file: string): Composed {
  const written = placesOf(file);
  const { value: merged, place, texts } = withHostsFiles(value, file, written.place);
  const composed = compose(merged, file, [...written.texts, ...texts], place);
  return { ...composed, value: withPasswordHashes(composed.value, composed.origins, place) };
}

/** @throws {SealiftError} with every problem of the composed site at once. */
export function completeSite({ value, origins, texts }: Composed, lines?: SeriesResolver): Site {
  const place = origins.locate;
  const exact = lines === undefined ? value : exactVersions(value, lines);
  const site = checkSite(exact, place);
  refuse(plainSecretProblems(value as SiteFile, texts, place));
  return site;
}

/** The bundle of a site whose rules cannot be checked yet. @throws {SealiftError} for missing or invalid keys. */
export function bundleIn({ value, origins }: Composed): SiteBundleSpec {
  refuse(once(schemaProblems(value, origins.locate)));
  return (value as SiteFile).bundle;
}

/** The same for an existing text. @throws {SealiftError} */
export function checkSite(value: unknown, place: Locate): Site {
  // A rule across keys would fail on a value of the wrong type.
  refuse(once(schemaProblems(value, place)));
  const file = withPastedKeys(value) as SiteFile;
  const hosts = file.hosts.map((host) => mergeHost(file, host));
  refuse(once(siteProblems(file, hosts, place)));
  return {
    bundle: file.bundle,
    rollout: file.rollout ?? {},
    ...(file.receipt === undefined ? {} : { receipt: file.receipt }),
    hosts: hosts as readonly HostSpec[],
  };
}

/** A problem of a class is reported once, however many hosts have it. */
function once(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ where, code, subject, found, expected }) => {
    const exact = /:\d+:\d+$/.test(where);
    const key = [where, code, exact ? subject.replace(/^hosts\[\d+\]/, "") : subject, found, expected].join(
      " ",
    );
    return !seen.has(key) && seen.add(key);
  });
}
