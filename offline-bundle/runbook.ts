/** The bundle without Sealift: the commands that check it and take it apart by hand, for this very bundle. */
import { join } from "node:path";
import { quote } from "../modules/core/quote.ts";
import { inside, markerText } from "./inside.ts";
import { digestOfBytes } from "./digest.ts";
import type { Seal } from "./layout.ts";
import { limits } from "./limits.ts";
import type { Lock, LockedFile } from "./lock-file.ts";
import { repositoryOf } from "./oci-reference.ts";
import { namespace } from "./ssh-keygen.ts";
import { type VerifiedBundle } from "./verify.ts";
import { fileRef, fileTitle, label } from "./want.ts";

/**
 * Writes the runbook of a bundle, as Markdown. Its commands need sh, tar, zstd, sha256sum, ssh-keygen and curl; each block
 * can be pasted as it is, and stops at the first thing that is not as it must be. Everything is written into a new folder of whoever
 * runs it: in the folder of a medium somebody may have laid a link in the place of each name, and root would write where it leads.
 *
 * @param bundle one that was verified: what it says goes into commands.
 */
export function runbookOf(bundle: VerifiedBundle): string {
  const { seal, lock, signers, textSha256 } = bundle;
  const blobs = [...bundle.tree.named.keys()].sort();
  const parts = [
    `# Bundle ${seal.serial} by hand`,
    `The bundle text \`${inside.seal}\` has the sha256 \`${textSha256}\`.
${signers.length > 0 ? "It is signed." : "It is not signed: do not use it."} ${blobs.length} blobs hang on it. Everything here works without Sealift.`,
    `Whoever brings this text can have changed it, and it contains the commands that are to check what they bring. Before the first
command is run: copy the text to a disk of your own and verify the copy, by a signature or by a sha256 that came another way.
Sealift's documentation says how (docs/guide/carrying.md, "By hand").`,
    "## 1. What has to be known",
    `Where the bundle is and which keys may sign; an earlier bundle, for a delta; the registry and its CA. \`BUNDLE\` is a folder that is
unpacked already. Everything is written into \`WORK\`, a new folder; \`TMPDIR\` says on which disk.`,
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
    `Only when it came as a file or in parts: \`CARRIED\` is its name without \`.001\`. A delta takes the rest from \`BASE\`. What has
another name than the files of a bundle have, or is no file, is not unpacked.`,
    block(`test -d "$WORK"
test "$BUNDLE" = "$WORK/bundle"
test ! -e "$BUNDLE"
mkdir -- "$BUNDLE.part"
if [ -e "$CARRIED" ]; then cat -- "$CARRIED"; else cat -- "$CARRIED".[0-9][0-9][0-9]; fi |
  zstd -d -c | head -c ${mostUnpacked(bundle)} > "$WORK/tar"
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
    `A bundle is made of files and two folders, and of nothing else. The signature covers the bundle text. The text pins index and lock,
the index pins every manifest, a manifest pins its blobs; the name of a blob is its sha256.`,
    block(checkCommands(seal, blobs)),
    "## 4. Host files",
    "A blob is the file as it was downloaded. From the bundle, into `$WORK/files`:",
    keeping(lock.files.map((file) => copyCommand(file))),
    "The same from the registry, on any host:",
    keeping(lock.files.map((file) => curlCommand(file))),
    "## 5. What is in it",
    fileTable(lock),
    ...(lock.images.length === 0 ? [] : [imageTable(lock)]),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** In bytes, of a bundle as a tar: what is packed smaller than it is must not fill a disk before anything of it was checked. */
function mostUnpacked({ seal, tree }: VerifiedBundle): number {
  const blobs = [...tree.named.values()].reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  const small = limits.seal + limits.signatures * limits.signature + limits.marker + limits.list;
  const headers = (tree.named.size + limits.signatures + 8) * 1024;
  return blobs + seal.index.bytes + seal.lock.bytes + small + headers;
}

/** What a carried bundle may hold: grep(1), extended, whole lines. */
const archiveNames = String.raw`sealift\.json(\.([0-9]+\.)?sig)?|oci-layout|index\.json|bundle\.lock\.yaml|delta\.json|blobs/sha256/[0-9a-f]{64}`;

/** The pipe of somebody else would keep the first command that reads it waiting, so kinds and names come first. */
function checkCommands(seal: Seal, names: readonly string[]): string {
  const small = [
    [seal.index.sha256, inside.index],
    [seal.lock.sha256, inside.lock],
    [digestOfBytes(markerText).sha256, inside.marker],
  ];
  const list = (rows: readonly (readonly string[])[]): string =>
    `sha256sum -c --quiet --strict <<'END'\n${rows.map((row) => row.join("  ")).join("\n")}\nEND`;
  return `cd -- "$BUNDLE"
test -z "$(find . ! -type f ! -type d)"
test "$(find . -type d | sort | tr -d '\\n')" = ../blobs./blobs/sha256
test "$(find . -type f ! -name '${inside.seal}*' | wc -l)" -eq ${names.length + small.length}
test -z "$(find . -name '${inside.seal}?*' ! -name '${inside.signature}' ! -name '${inside.seal}.[0-9]*.sig')"
cd -- "$OLDPWD"
test -d "$WORK"
cp -- "$BUNDLE/${inside.seal}" "$BUNDLE/${inside.signature}" "$WORK"
text="$WORK/${inside.seal}"
signer=$(ssh-keygen -Y find-principals -s "$text.sig" -f "$SIGNERS" | head -n 1)
test -n "$signer"
ssh-keygen -Y verify -n ${namespace} -I "$signer" -s "$text.sig" -f "$SIGNERS" < "$text"
grep -q '"serial": ${seal.serial},' -- "$text"
grep -q '"sha256": "${seal.index.sha256}"' -- "$text"
grep -q '"sha256": "${seal.lock.sha256}"' -- "$text"
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
  // What was checked before may have been swapped on a medium: the copy is what is checked.
  return `cp -- "$BUNDLE/${join(inside.blobs, file.sha256)}" "$WORK/part"\n${keep(file)}`;
}

export function curlCommand(file: LockedFile): string {
  const path = quote(`/v2/${repositoryOf(fileRef(file))}/blobs/sha256:${file.sha256}`);
  const most = file.bytes === undefined ? "" : ` --max-filesize ${file.bytes}`;
  const fetch = `curl -q --proto '=https' --cacert "$CA" -fsSL${most} -o "$WORK/part" -- "https://$REGISTRY"${path}`;
  return `${fetch}\n${keep(file)}`;
}

/** A file has its name when it is known to be the right one. */
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

/** In a shell of its own: it ends at the first failure, the one it was pasted into does not. */
function block(commands: string): string {
  return `\`\`\`sh\n(\nset -eu\n${commands}\n)\n\`\`\``;
}
