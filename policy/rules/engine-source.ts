import { firstMatch, isSealifts, type RuleResource } from "./rule.ts";

const packages = String.raw`(docker\.io|docker-ce(-cli)?|docker-engine|docker|moby-engine|containerd(\.io)?|podman-docker)`;
/** Package managers of Linux distributions, and the install script and repository of Docker. */
const installations: readonly RegExp[] = [
  new RegExp(
    String.raw`\b(apt|apt-get|dnf|yum|zypper|snap|apk|pacman)\b[^\n;|&]*\b(install|add|-S\w*)\b[^\n;|&]*\s${packages}(?![\w.-])`,
  ),
  /\bget\.docker\.com\b/,
  /\bdownload\.docker\.com\b/,
  // cloud-init, module "packages".
  new RegExp(String.raw`^\s*-\s+["']?${packages}["']?\s*$`, "m"),
];

/** Reads every text of every resource that is not Sealift's own: commands, cloud-init, user data. */
export function engineSource(resource: RuleResource): readonly string[] {
  if (isSealifts(resource)) return [];
  const found = firstMatch(resource.props, installations);
  return found === undefined
    ? []
    : [
        `${resource.name} installs an engine outside the bundle (${found}); let a site of Sealift provision the host`,
      ];
}
