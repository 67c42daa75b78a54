/** A runbook for one bundle: the commands that verify and unpack it without Sealift. */
import { join } from "node:path";
import { quote } from "../modules/core/quote.ts";
import { inside, markerText } from "./io/inside.ts";
import { digestOfBytes } from "./io/digest.ts";
import type { BundleManifest } from "./oci/layout.ts";
import { limits } from "./io/limits.ts";
import type { Lock, LockedFile } from "./spec/lock-file.ts";
import { repositoryOf } from "./spec/oci-reference.ts";
import { bundleNamespace } from "./signing/ssh-keygen.ts";
import { type VerifiedBundle } from "./verify.ts";
import { fileRef, fileTitle, label } from "./spec/bundle-spec.ts";

/**
 * Writes the runbook of a bundle as Markdown. Its commands need sh, tar, zstd, sha256sum, ssh-keygen and curl; each block can be
 * pasted as it is, and stops at the first mismatch. Everything is written into a new folder of the user: in the folder of a
 * medium somebody could have put a link under each name, and root would write to its target.
 *
 * @param bundle a verified bundle: its values become part of commands.
 */
export function runbookOf(bundle: VerifiedBundle): string {
  const { manifest, lock, signers, textSha256 } = bundle;
  const blobs = [...bundle.tree.named.keys()].sort();
  const hostFiles = lock.files.filter(({ kind }) => kind !== "npm");
  const parts = [
    `# Bundle ${manifest.serial} without Sealift`,
    `The bundle text \`${inside.manifest}\` has the sha256 \`${textSha256}\`.
${signers.length > 0 ? "It is signed." : "It is not signed: do not use it."} It covers ${blobs.length} blobs. All commands on this page work without Sealift.`,
    `The courier of this page could have changed it, and it contains the commands that check the bundle. Before you run the first
command, copy this page to a local disk and verify the copy, by a signature or by a sha256 that you received over another channel.
Sealift's documentation explains how (docs/guide/carry-it-across.md, "Without Sealift").`,
    "## 1. Set the variables",
    `Set the path of the bundle and the allowed signers; an earlier bundle, for a delta; the registry and its CA. \`BUNDLE\` is a folder
that is already unpacked. All output goes into \`WORK\`, a new folder; \`TMPDIR\` selects its disk.`,
    `\`\`\`sh
WORK=$(mktemp -d)
BUNDLE=\${BUNDLE:-$WORK/bundle}
SIGNERS=\${SIGNERS:-allowed_signers}
CARRIED=\${CARRIED:-bundle.tar.zst}
BASE=\${BASE:-}
REGISTRY=\${REGISTRY:-registry.site:5000}
CA=\${CA:-ca.crt}
echo "$WORK"
\`\`\``,
    "## 2. Unpack",
    `Do this only if the bundle arrived as a file or in parts: \`CARRIED\` is its name without \`.001\`. A delta takes the missing blobs
from \`BASE\`. Entries with unexpected names, and entries that are not regular files, are refused.`,
    block(`test -d "$WORK"
test "$BUNDLE" = "$WORK/bundle"
test ! -e "$BUNDLE"
mkdir -- "$BUNDLE.part"
if [ -e "$CARRIED" ]; then cat -- "$CARRIED"; else cat -- "$CARRIED".[0-9][0-9][0-9]; fi |
  zstd -d -c | head -c ${maxUnpacked(bundle)} > "$WORK/tar"
if tar -t -f "$WORK/tar" | grep -v -x -E '${archiveNames}'; then exit 1; fi
if tar -t -v -f "$WORK/tar" | grep -v '^-'; then exit 1; fi
tar -x -f "$WORK/tar" -C "$BUNDLE.part" --no-same-owner --keep-old-files
rm -- "$WORK/tar"
if [ -e "$BUNDLE.part/delta.json" ]; then
  for blob in $(grep -o '"[0-9a-f]\\{64\\}"' "$BUNDLE.part/delta.json" | tr -d '"'); do
    cp -- "$BASE/${inside.blobs}/$blob" "$BUNDLE.part/${inside.blobs}/$blob"
  done
  rm -- "$BUNDLE.part/delta.json"
fi
mv -- "$BUNDLE.part" "$BUNDLE"`),
    "## 3. Check",
    `A bundle consists of regular files and two folders only. The signature covers the bundle text. The text pins the index and the lock,
the index pins every manifest, and a manifest pins its blobs. The name of a blob is its sha256.`,
    block(checkCommands(manifest, blobs)),
    "## 4. Host files",
    "A blob is the unchanged download. To copy the files from the bundle into `$WORK/files`:",
    keeping(hostFiles.map((file) => copyCommand(file))),
    "To download the same files from the registry, on any host:",
    keeping(hostFiles.map((file) => curlCommand(file))),
    ...(hostFiles.length === lock.files.length ? [] : [packagesText]),
    "## 5. Contents",
    fileTable(lock),
    ...(lock.images.length === 0 ? [] : [imageTable(lock)]),
  ];
  return `${parts.join("\n\n")}\n`;
}

const packagesText = `The npm packages are installed together, into the repository that they belong to: see docs/guide/own-repository.md in Sealift's
documentation, "On the air-gapped side".`;

/** Upper limit in bytes of a bundle as a tar: a compressed archive must not fill the disk before it was verified. */
function maxUnpacked({ manifest, tree }: VerifiedBundle): number {
  const blobs = [...tree.named.values()].reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  const small = limits.bundleManifest + limits.signatures * limits.signature + limits.marker + limits.list;
  const headers = (tree.named.size + limits.signatures + 8) * 1024;
  return blobs + manifest.index.bytes + manifest.lock.bytes + small + headers;
}

/** The names that an archive may contain: grep(1), extended, whole lines. */
const archiveNames = String.raw`sealift\.json(\.([0-9]+\.)?sig)?|oci-layout|index\.json|bundle\.lock\.yaml|delta\.json|blobs/sha256/[0-9a-f]{64}`;

/** A named pipe would block the first command that reads it, so kinds and names are checked first. */
function checkCommands(bundleManifest: BundleManifest, names: readonly string[]): string {
  const small = [
    [bundleManifest.index.sha256, inside.index],
    [bundleManifest.lock.sha256, inside.lock],
    [digestOfBytes(markerText).sha256, inside.marker],
  ];
  const list = (rows: readonly (readonly string[])[]): string =>
    `sha256sum -c --quiet --strict <<'END'\n${rows.map((row) => row.join("  ")).join("\n")}\nEND`;
  return `cd -- "$BUNDLE"
test -z "$(find . ! -type f ! -type d)"
test "$(find . -type d | sort | tr -d '\\n')" = ../blobs./blobs/sha256
test "$(find . -type f ! -name '${inside.manifest}*' | wc -l)" -eq ${names.length + small.length}
test -z "$(find . -name '${inside.manifest}?*' ! -name '${inside.signature}' ! -name '${inside.manifest}.[0-9]*.sig')"
cd -- "$OLDPWD"
test -d "$WORK"
cp -- "$BUNDLE/${inside.manifest}" "$BUNDLE/${inside.signature}" "$WORK"
text="$WORK/${inside.manifest}"
signer=$(ssh-keygen -Y find-principals -s "$text.sig" -f "$SIGNERS" | head -n 1)
test -n "$signer"
ssh-keygen -Y verify -n ${bundleNamespace} -I "$signer" -s "$text.sig" -f "$SIGNERS" < "$text"
grep -q '"serial": ${bundleManifest.serial},' -- "$text"
grep -q '"sha256": "${bundleManifest.index.sha256}"' -- "$text"
grep -q '"sha256": "${bundleManifest.lock.sha256}"' -- "$text"
cd -- "$BUNDLE"
${list(small)}
cd ${inside.blobs}
${list(names.map((name) => [name, name]))}
test "$(ls | wc -l)" -eq ${names.length}`;
}

function title(file: LockedFile): string {
  const { name, version, platform, url } = file;
  return quote(`${name}-${version}-${platform.replace("/", "-")}-${fileTitle(url)}`);
}

export function copyCommand(file: LockedFile): string {
  // A checked file may have been swapped on the medium: the copy is checked.
  return `cp -- "$BUNDLE/${join(inside.blobs, file.sha256)}" "$WORK/part"\n${keep(file)}`;
}

export function curlCommand(file: LockedFile): string {
  const path = quote(`/v2/${repositoryOf(fileRef(file))}/blobs/sha256:${file.sha256}`);
  const most = file.bytes === undefined ? "" : ` --max-filesize ${file.bytes}`;
  const fetch = `curl -q --proto '=https' --cacert "$CA" -fsSL${most} -o "$WORK/part" -- "https://$REGISTRY"${path}`;
  return `${fetch}\n${keep(file)}`;
}

/** A file gets its name once its sha256 has been verified. */
function keep(file: LockedFile): string {
  return `test "$(sha256sum < "$WORK/part")" = "${file.sha256}  -"\nmv -f -- "$WORK/part" "$WORK"/files/${title(file)}`;
}

function keeping(commands: readonly string[]): string {
  return block(['test -d "$WORK"', 'mkdir -p -- "$WORK/files"', ...commands].join("\n"));
}

function fileTable({ files }: Lock): string {
  const rows = files.map((file) => `| ${label(file)} | ${file.bytes ?? "?"} | ${file.sha256} |`);
  return ["| file | bytes | sha256 |", "|---|---|---|", ...rows].join("\n");
}

function imageTable({ images }: Lock): string {
  const rows = images.map(
    ({ name, digest, platforms }) => `| ${name} | ${platforms.join(" ")} | ${digest} |`,
  );
  return ["| image | platforms | digest |", "|---|---|---|", ...rows].join("\n");
}

/** In a subshell: it ends at the first failure, while the shell into which it was pasted continues. */
function block(commands: string): string {
  return `\`\`\`sh\n(\nset -eu\n${commands}\n)\n\`\`\``;
}
