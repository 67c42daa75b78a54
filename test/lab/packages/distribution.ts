import { existsSync, readFileSync } from "node:fs";

export interface Distribution {
  /** "Debian GNU/Linux 12 (bookworm)". */
  readonly title: string;
  /** "bookworm", "noble"; empty where it is not said. */
  readonly codename: string;
}

/** What os-release(5) says of this machine. */
export function distribution(file = "/etc/os-release"): Distribution {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const value = (key: string): string => new RegExp(`^${key}="?([^"\n]*)"?$`, "m").exec(text)?.[1] ?? "";
  return { title: value("PRETTY_NAME") || "this machine", codename: value("VERSION_CODENAME") };
}
