/** How the data of another Docker is kept, in the words for one host: what `sealift doctor` prints. Pure. */
import type { Problem } from "../core/errors.ts";
import { saidBy } from "../core/refusal.ts";

/**
 * @param found as check_no_orphaned_data has it: where the data is, and in place of a remedy whether live-restore is on and the packages of
 * that Docker that are installed.
 * @returns undefined for other words.
 */
export function adoption(found: string): Pick<Problem, "got" | "todo"> | undefined {
  const said = saidBy(found);
  if (said === undefined) return undefined;
  const { got, todo } = said;
  const [, root, version] =
    /^(\/[A-Za-z0-9_./-]+) has [a-z0-9:, ]+ \(engine ([0-9.]+|<version>)\)$/.exec(got) ?? [];
  const [, live, installed] = /^(-|live-restore)((?: [a-z0-9.-]+)*)$/.exec(todo) ?? [];
  if (root === undefined || version === undefined || installed === undefined) return undefined;
  if (root.startsWith("/var/snap/")) return { got, todo: `${keep} what it says of snap${orRemove}` };
  const stops = [
    ...(live === "-"
      ? []
      : ["set live-restore to false in /etc/docker/daemon.json,", "`sudo systemctl reload docker`,"]),
    "`sudo systemctl disable --now docker.socket docker.service containerd.service`,",
    `\`sudo apt-get remove${installed}\` (never purge, which may delete them);`,
  ];
  const adopt = `\`engine: { adopt: { from: ${root}, version: ${version} } }\``;
  return {
    got,
    todo: [
      ...[keep, ...(installed === "" ? [] : ["on the host", ...stops])],
      `add ${adopt} to the host in the site, then \`pulumi up\`${orRemove}`,
    ].join(" "),
  };
}

const keep = "to keep them go by docs/guide/adopt-a-docker-host.md:";
const orRemove = "; or remove what nobody needs";
