/** The bundle without Sealift: the commands that check it and take it apart by hand, for this very bundle. */
import { join } from "node:path";
import { quote } from "../modules/core/quote.ts";
import { inside, markerText } from "./inside.ts";
import { digestOfBytes } from "./digest.ts";
import type { Seal } from "./layout.ts";
import type { Lock, LockedFile } from "./lock-file.ts";
import { repositoryOf } from "./oci-reference.ts";
import { namespace } from "./ssh-keygen.ts";
import { type VerifiedBundle } from "./verify.ts";
import { fileRef, fileTitle, label } from "./want.ts";

/**
 * Writes the runbook of a bundle, as Markdown. Its commands need sh, tar, zstd, sha256sum, ssh-keygen and curl; each block
 * can be pasted as it is, and stops at the first thing that is not as it must be.
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
    "## 1. What has to be known",
    "Where the bundle is or shall be, and which keys may sign; an earlier bundle, for a delta; the registry and its CA.",
    `\`\`\`sh
BUNDLE=\${BUNDLE:-bundle}
SIGNERS=\${SIGNERS:-allowed_signers}
CARRIED=\${CARRIED:-bundle.tar.zst}
BASE=\${BASE:-}
REGISTRY=\${REGISTRY:-registry.site:5000}
CA=\${CA:-ca.crt}
\`\`\``,
    "## 2. Unpack",
    `Only when it came as a file or in parts: \`CARRIED\` is its name without \`.001\`. A delta takes the rest from \`BASE\`. What has
another name than the files of a bundle have, or is no file, is not unpacked.`,
    block(`test ! -e "$BUNDLE"
mkdir -- "$BUNDLE.part"
if [ -e "$CARRIED" ]; then cat -- "$CARRIED"; else cat -- "$CARRIED".[0-9][0-9][0-9]; fi |
  zstd -d -c > "$BUNDLE.tar.part"
if tar -t -f "$BUNDLE.tar.part" | grep -v -x -E '${archiveNames}'; then exit 1; fi
if tar -t -v -f "$BUNDLE.tar.part" | grep -v '^-'; then exit 1; fi
tar -x -f "$BUNDLE.tar.part" -C "$BUNDLE.part" --no-same-owner --keep-old-files
rm -- "$BUNDLE.tar.part"
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
    "A blob is the file as it was downloaded. From the bundle:",
    block(lock.files.map((file) => copyCommand(file)).join("\n")),
    "The same from the registry, on any host:",
    block(lock.files.map((file) => curlCommand(file)).join("\n")),
    "## 5. What is in it",
    fileTable(lock),
    ...(lock.images.length === 0 ? [] : [imageTable(lock)]),
  ];
  return `${parts.join("\n\n")}\n`;
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
text="$BUNDLE/${inside.seal}"
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
  const copy = `cp -- "$BUNDLE/${join(inside.blobs, file.sha256)}" ${title(file)}`;
  return `${copy}\n${checkCopy(file)}`;
}

export function curlCommand(file: LockedFile): string {
  const path = quote(`/v2/${repositoryOf(fileRef(file))}/blobs/sha256:${file.sha256}`);
  const most = file.bytes === undefined ? "" : ` --max-filesize ${file.bytes}`;
  const fetch = `curl -q --proto '=https' --cacert "$CA" -fsSL${most} -o ${title(file)} -- "https://$REGISTRY"${path}`;
  return `${fetch}\n${checkCopy(file)}`;
}

function checkCopy(file: LockedFile): string {
  return `echo "${file.sha256}  "${title(file)} | sha256sum -c --quiet --strict -`;
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
