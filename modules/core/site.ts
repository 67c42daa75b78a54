/** From what a person wrote to a site: checked whole, and completed per host. The rules are beside it. */
import { refuse, type Problem } from "./errors.ts";
import { compose, type Composed } from "./layers/compose.ts";
import { exactVersions, type Lines } from "./layers/exact-versions.ts";
import type { Locate } from "./locate.ts";
import { mergeHost, type SiteFile } from "./merge.ts";
import { withPastedKeys } from "./pasted-keys.ts";
import { plainSecretProblems } from "./rules/secrets.ts";
import { siteProblems } from "./rules/site-rules.ts";
import { schemaProblems } from "./schema.ts";
import type { BundleSpec, HostSpec, Site } from "./site-spec.ts";
import { placesOf, withPasswordHashes } from "./site-text.ts";

/**
 * Checks a site that Pulumi has read and completes its hosts.
 * @param value the site as it is written.
 * @param file the file that it is written in, for line and column; what it does not hold is named without them.
 * @param lines what `28.5` stands for; without it such a version stays as it is.
 * @throws {SealiftError} with every problem of the file at once.
 */
export function readSite(value: unknown, file: string, lines?: Lines): Site {
  return completeSite(composeSite(value, file), lines);
}

/** The environment with all that it shares with others, not checked yet. @throws {SealiftError} when it cannot be composed. */
export function composeSite(value: unknown, file: string): Composed {
  const { place, texts } = placesOf(file);
  const composed = compose(value, file, texts, place);
  return { ...composed, value: withPasswordHashes(composed.value, composed.origins, place) };
}

/** @throws {SealiftError} with every problem of the composed site at once. */
export function completeSite({ value, origins, texts }: Composed, lines?: Lines): Site {
  const place = origins.locate;
  const exact = lines === undefined ? value : exactVersions(value, lines);
  const site = checkSite(exact, place);
  refuse(plainSecretProblems(value as SiteFile, texts, place));
  return site;
}

/** The bundle that a site names, where its rules cannot be looked at yet. @throws {SealiftError} with what its form lacks. */
export function bundleIn({ value, origins }: Composed): BundleSpec {
  refuse(once(schemaProblems(value, origins.locate)));
  return (value as SiteFile).bundle;
}

/** The same for a text that is there already. @throws {SealiftError} */
export function checkSite(value: unknown, place: Locate): Site {
  // A rule across keys would stumble over a value of the wrong type.
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

/** What a class says is said once, however many hosts have it. */
function once(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ where, code, subject, got, expected }) => {
    const exact = /:\d+:\d+$/.test(where);
    const key = [where, code, exact ? subject.replace(/^hosts\[\d+\]/, "") : subject, got, expected].join(
      " ",
    );
    return !seen.has(key) && seen.add(key);
  });
}
