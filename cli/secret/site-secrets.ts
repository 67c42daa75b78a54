/** What the commands about secrets read of an environment. */
import { SealiftError } from "../../modules/core/errors.ts";
import type { HostSpec, SecretsSpec } from "../../modules/core/site/site-spec.ts";

export interface EnvironmentSecrets extends SecretsSpec {
  readonly siteFile: string;
  readonly hosts: readonly HostSpec[];
}

/** @throws {SealiftError} the problems of the site file; E_KEY_MISSING when it has no `secrets:`. */
export async function environmentSecrets(environment: string): Promise<EnvironmentSecrets> {
  // The rules of a site take longer to load than most other commands take in total.
  const { readEnvironment } = await import("../../modules/environments/read-environment.ts");
  const { file, site } = await readEnvironment(environment);
  const secrets = site.hosts[0]?.secrets;
  if (secrets !== undefined) return { ...secrets, siteFile: file, hosts: site.hosts };
  throw new SealiftError([
    {
      where: file,
      code: "E_KEY_MISSING",
      subject: "secrets",
      found: "nothing",
      expected: "the version of age and the recovery key of the site",
      fix: "add secrets: { age: 1.3.1, recoveryKey: <what age-keygen prints> } to the site",
    },
  ]);
}
