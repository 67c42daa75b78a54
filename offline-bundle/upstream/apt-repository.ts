/**
 * What a signed apt repository states about a package: Debian's repository format,
 * https://wiki.debian.org/DebianRepository/Format. Pure.
 */

export interface Release {
  readonly suite: string;
  readonly codename: string;
  /** End of its validity; undefined: it has none. */
  readonly validUntil?: Date;
  /** Path below the suite -> its pin. */
  readonly files: ReadonlyMap<string, { readonly sha256: string; readonly bytes: number }>;
}

/** @param text the signed text. */
export function parseRelease(text: string): Release {
  const fields = fieldsOf(text);
  const until = fields.get("valid-until");
  const files = (fields.get("sha256") ?? "").split("\n").flatMap((line) => {
    const [, sha256 = "", bytes = "", path = ""] =
      /^\s*([0-9a-f]{64})\s+(\d{1,15})\s+(\S+)\s*$/.exec(line) ?? [];
    return sha256 === "" ? [] : [[path, { sha256, bytes: Number(bytes) }] as const];
  });
  return {
    suite: fields.get("suite") ?? "",
    codename: fields.get("codename") ?? "",
    // An unreadable date counts as expired.
    ...(until === undefined
      ? {}
      : { validUntil: new Date(Number.isNaN(Date.parse(until)) ? 0 : Date.parse(until)) }),
    files: new Map(files),
  };
}

export interface PackageIndexEntry {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Path below the repository. */
  readonly filename: string;
  readonly sha256: string;
}

/** The packages of a Packages file. */
export function parsePackages(text: string): readonly PackageIndexEntry[] {
  return text.split(/\n\n+/).flatMap((stanza) => {
    if (stanza.trim() === "") return [];
    const fields = fieldsOf(stanza);
    const field = (name: string): string => fields.get(name) ?? "";
    return [
      {
        name: field("package"),
        version: field("version"),
        architecture: field("architecture"),
        filename: field("filename").replace(/^\.\//, ""),
        sha256: field("sha256").toLowerCase(),
      },
    ];
  });
}

/**
 * Fields by their lower-case names; a line that begins with a blank continues the previous one. The first field of a name
 * applies.
 */
function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let name = "";
  for (const line of text.split(/\r?\n/)) {
    if (/^[ \t]/.test(line)) {
      if (name !== "") fields.set(name, `${fields.get(name) ?? ""}\n${line.trim()}`);
      continue;
    }
    const colon = line.indexOf(":");
    const key = line.slice(0, Math.max(0, colon)).toLowerCase();
    name = /\s/.test(key) || fields.has(key) ? "" : key;
    if (name !== "") fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}
