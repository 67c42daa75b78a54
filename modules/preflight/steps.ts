/** What has to hold before anything is changed, as facts. They are only ever checked. */
import type { HostSpec } from "../core/site.ts";
import type { Step } from "../core/step.ts";
import { parseGiB } from "../core/units.ts";

/** Supported systems, as ID:VERSION_ID of os-release(5). */
export const supportedSystems = ["ubuntu:22.04", "ubuntu:24.04", "debian:12", "debian:13"] as const;

const commands = [
  "awk",
  "blkid",
  "chattr",
  "cmp",
  "diff",
  "dumpe2fs",
  "findmnt",
  "flock",
  "gpasswd",
  "iptables",
  "lvcreate",
  "mkfs.ext4",
  "mkfs.xfs",
  "modprobe",
  "ps",
  "systemctl",
  "tar",
  "timeout",
  "wipefs",
] as const;

export function preflightSteps({ architecture, volumes }: HostSpec): readonly Step[] {
  const { disk, group, logical } = volumes;
  const askedGiB = logical.reduce((sum, { size }) => sum + parseGiB(size), 0);
  return [
    check("os", "the operating system is supported", "os", ...supportedSystems),
    check("architecture", `the processor is ${architecture}`, "architecture", architecture),
    check("commands", "the commands of the base system are there", "commands", ...commands),
    check("engine", "no other Docker is installed", "no_foreign_engine"),
    check("disk", `disk ${disk} is there`, "disk_present", disk),
    check("disk-free", `disk ${disk} is blank or already ours`, "disk_free", disk, group),
    check("disk-size", `disk ${disk} holds ${askedGiB} GiB of volumes`, "disk_size", disk, String(askedGiB)),
  ];
}

function check(code: string, fact: string, ...call: [string, ...string[]]): Step {
  return { code: `preflight.${code}`, fact, effect: "none", call };
}
