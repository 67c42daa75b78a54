/** Rules for the secrets of applications and of backups: what the site and its hosts need for them. The files themselves are read later. */
import { endpoint } from "../../endpoint.ts";
import type { Problem } from "../../errors.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { managedStacks } from "../site-spec.ts";
import type { ProblemBuilder } from "./problem-builder.ts";

export function appSecretProblems(
  { apps = [], backups, secrets }: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const first = apps.findIndex((app) => Object.keys(app.secrets ?? {}).length > 0);
  if (first < 0 && backups === undefined) return [];
  return [
    ...(secrets === undefined && first >= 0
      ? [
          problemAt(
            ["apps", first, "secrets"],
            "E_KEY_MISSING",
            "secrets of an application, and no secrets: of the site",
            "the version of age and the recovery key of the site",
            "add secrets: { age: 1.3.1, recoveryKey: <what age-keygen prints> } to the site",
          ),
        ]
      : []),
    ...hosts.flatMap((host, index) => keyProblems(host, index, problemAt)),
  ];
}

/** age encrypts for ssh keys of the types ssh-ed25519 and ssh-rsa, and Sealift pins no ssh-rsa keys. */
function keyProblems(host: MergedHost, index: number, problemAt: ProblemBuilder): Problem[] {
  const { name, address, port, hostKey, apps, backup, store } = host;
  const backups = backup !== undefined || store !== undefined ? ["the backups"] : [];
  const needing = [
    ...[...apps, ...managedStacks(host)]
      .filter(({ secrets = {} }) => Object.keys(secrets).length > 0)
      .map((app) => app.name),
    ...backups,
  ];
  const [type = ""] = hostKey.split(" ");
  if (needing.length === 0 || type === "ssh-ed25519") return [];
  const expected = `an ssh-ed25519 key: age encrypts for no key of this type, and ${name} needs the secrets of ${needing.join(", ")}`;
  const scan = `ssh-keyscan -t ed25519 ${port === 22 ? address : `-p ${port} ${address}`}`;
  const fix = `pin the key that ${scan} prints, after comparing its fingerprint with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the console of ${endpoint(address, port)}`;
  return [
    problemAt(["hosts", index, "hostKey"], "E_SECRET_RECIPIENT", `a key of type ${type}`, expected, fix),
  ];
}
