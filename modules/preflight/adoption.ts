/** How to keep the data of another Docker installation, worded for one host, for `sealift doctor`. Pure. */
import type { Problem } from "../core/errors.ts";
import { parseGuardResult } from "../core/host/guard-results.ts";

/**
 * @param found as check_no_orphaned_data reports it: where the data is, whether live-restore is on, and the installed packages of
 * that Docker (`snap:docker` for the snap).
 * @returns undefined for any other text.
 */
export function adoption(finding: string): Pick<Problem, "found" | "fix"> | undefined {
  const result = parseGuardResult(finding);
  if (result === undefined) return undefined;
  const { found, fix } = result;
  const [, root, version] =
    /^(\/[A-Za-z0-9_./-]+) has [a-z0-9:, ]+ \(engine ([0-9.]+|<version>)\)$/.exec(found) ?? [];
  const [, live, installed, snap] = /^(-|live-restore)((?: [a-z0-9.-]+)*)( snap:docker)?$/.exec(fix) ?? [];
  if (root === undefined || version === undefined || installed === undefined) return undefined;
  // Removing the snap deletes its data, so it is copied first.
  if (root.startsWith("/var/snap/") && snap !== undefined)
    return { found, fix: `${keep} the section on snap${orRemove}` };
  const stops = [
    ...(live === "-"
      ? []
      : ["set live-restore to false in /etc/docker/daemon.json,", "`sudo systemctl reload docker`,"]),
    "`sudo systemctl disable --now docker.socket docker.service containerd.service`,",
    `\`sudo apt-get remove${installed}\` (never purge, which may delete them);`,
  ];
  const adopt = `\`engine: { adopt: { from: ${root}, version: ${version} } }\``;
  return {
    found,
    fix: [
      ...[keep, ...(installed === "" ? [] : ["on the host", ...stops])],
      `add ${adopt} to the host in the site, then \`pulumi up\`${orRemove}`,
    ].join(" "),
  };
}

const keep = "to keep them, follow docs/guide/adopt-a-docker-host.md:";
const orRemove = "; or remove what is no longer needed";
