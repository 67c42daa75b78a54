/** What has to hold before anything is changed, as facts. They are only ever checked. */
import type { HostSpec } from "../core/site.ts";
import type { Step } from "../core/step.ts";

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

export function preflightSteps({ architecture, users }: HostSpec): readonly Step[] {
  return [
    check("os", "the operating system is supported", "os", ...supportedSystems),
    check("architecture", `the processor is ${architecture}`, "architecture", architecture),
    check("commands", "the commands of the base system are there", "commands", ...commands),
    check("engine", "no other Docker is installed", "no_foreign_engine"),
    ...users.map(({ name, uid }) =>
      check(`uid.${name}`, `uid ${uid} is free or ${name}'s`, "uid", name, String(uid)),
    ),
  ];
}

function check(code: string, fact: string, ...call: [string, ...string[]]): Step {
  return { code: `preflight.${code}`, fact, effect: "none", call };
}
