import { Command } from "commander";
import { type Inspection, inspectBundle } from "../../offline-bundle/inspect.ts";
import { sourceHostsOf } from "../../offline-bundle/locking/independent-places.ts";
import { columns, count, size } from "../output/columns.ts";
import { progressLine } from "../output/progress.ts";
import { printJson } from "../output/or-json.ts";
import { printWarnings, verifyOptions } from "./policy-flags.ts";
import { print } from "../output/print.ts";

interface Flags {
  readonly allowedSigners?: string;
  readonly json?: true;
}

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("Show the content of a bundle: files, images, origin of each pin, signers")
    .argument("<directory>", "the bundle")
    .option(
      "--allowed-signers <path>",
      "verify the bundle first with these keys: ssh-keygen(1), ALLOWED SIGNERS",
    )
    .option("--json", "print as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealift bundle inspect /mnt/usb/bundle --allowed-signers stacks/allowed_signers",
    )
    .action(async (directory: string, flags: Flags) => {
      if (flags.json === true) await printJson(() => inspect(directory, flags));
      else print(text(await inspect(directory, flags)));
    });
}

async function inspect(directory: string, { allowedSigners }: Flags): Promise<Inspection> {
  if (allowedSigners === undefined) return inspectBundle(directory);
  const progress = progressLine();
  const inspected = await inspectBundle(directory, verifyOptions({ allowedSigners }, progress)).finally(
    progress.end,
  );
  printWarnings(inspected.warnings);
  return inspected;
}

function text(bundle: Inspection): string {
  return [columns(head(bundle)), files(bundle), services(bundle), images(bundle)]
    .filter((part) => part !== "")
    .join("\n\n");
}

function head(bundle: Inspection): readonly (readonly string[])[] {
  const { directory, serial, lockSha256, platforms, written, accepted, blobs, bytes } = bundle;
  const held = [
    count(bundle.files.length, "file"),
    count(bundle.images.length, "image"),
    count(blobs, "blob"),
  ].join(", ");
  return [
    ["bundle", directory],
    ["serial", String(serial)],
    ["signed by", signedBy(bundle)],
    ...(accepted === undefined ? [] : [["accepted", `${accepted.at} by ${accepted.by}`]]),
    ["age", `${age(Date.now() - written.getTime())}, by its modification time`],
    ...(bundle.expires === undefined ? [] : [["expires", bundle.expires]]),
    ["lock", `sha256 ${lockSha256}`],
    ["platforms", platforms.join(", ")],
    ["total", `${held}, ${size(bytes)}`],
  ];
}

function signedBy({ signers, signatures }: Inspection): string {
  if (signers !== undefined) return signers.join(", ");
  if (signatures.length === 0) return "nobody";
  const keys = signatures.map(({ fingerprint }) => fingerprint).join(", ");
  return `not verified (use --allowed-signers <path>); keys: ${keys}`;
}

function files({ files: all }: Inspection): string {
  if (all.length === 0) return "";
  return columns([
    ["file", "version", "platform", "kind", "size", "licence", "pinned by"],
    ...all.map(({ name, version, platform, kind, bytes, licence, sources, origin }) => [
      name,
      version,
      platform,
      kind,
      bytes === undefined ? "?" : size(bytes),
      licence,
      `${origin}: ${sourceHostsOf(sources).join(", ")}`,
    ]),
  ]);
}

/** The services of applications, and what they use of a host. */
function services({ files: all }: Inspection): string {
  const rows = all.flatMap(({ name, version, project }) =>
    (project?.services ?? []).map(({ name: service, image, ports = [], hostPaths = [], needs = [] }) => [
      name,
      version,
      service,
      image,
      [...ports.map(({ published, protocol }) => `${published}/${protocol}`), ...hostPaths, ...needs].join(
        " ",
      ) || "nothing",
    ]),
  );
  return rows.length === 0
    ? ""
    : columns([["application", "version", "service", "image", "of the host"], ...rows]);
}

function images({ images: all }: Inspection): string {
  if (all.length === 0) return "";
  const short = (digest: string): string => digest.slice(0, "sha256:".length + 12);
  const signed = all.some(({ signedBy }) => signedBy !== undefined);
  return columns([
    ["image", "digest", "platforms", "size", ...(signed ? ["signed by key"] : [])],
    ...all.map(({ name, digest, platforms, bytes, signedBy }) => [
      name,
      short(digest),
      platforms.join(" "),
      bytes === undefined ? "?" : size(bytes),
      ...(signed ? [signedBy === undefined ? "nobody" : short(signedBy)] : []),
    ]),
  ]);
}

const hourMs = 3_600_000;

function age(ms: number): string {
  const hours = Math.floor(ms / hourMs);
  if (hours < 1) return "less than an hour";
  if (hours < 48) return count(hours, "hour");
  return `${Math.floor(hours / 24)} days`;
}
