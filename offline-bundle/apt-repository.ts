/** What a signed apt repository says of a package: repository format of Debian, https://wiki.debian.org/DebianRepository/Format. Pure. */

export interface Release {
  readonly suite: string;
  readonly codename: string;
  /** After this it is not to be believed any more; undefined: it names no end. */
  readonly validUntil?: Date;
  /** Path below the suite -> what pins it. */
  readonly files: ReadonlyMap<string, { readonly sha256: string; readonly bytes: number }>;
}

/** @param text as it was signed. */
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
    // A date that nobody can read is over.
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

/** Fields by their names in small letters; a line that begins with a blank goes on with the one before. The first of a name counts. */
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
