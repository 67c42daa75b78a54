/** The SBOM of a bundle in SPDX 2.3 JSON (https://spdx.github.io/spdx-spec/v2.3). The same lock gives the same text. */
import type { Contents } from "../oci/contents.ts";
import type { LockedFile, LockedImage } from "../spec/lock-file.ts";
import { hexOf } from "../oci/manifests.ts";
import type { Member } from "../upstream/members.ts";
import { dateText, filePurl, imagePurl, imagesOfApp, supplierOf } from "./sbom.ts";
import { fileTitle, label } from "../spec/bundle-spec.ts";

/** @param date creation date; undefined: 1970, since the format requires a date. */
export function spdx({ lock, lockSha256 }: Contents, date: Date | undefined): object {
  const parts = [
    ...lock.files.map((file) => ({ id: spdxId(label(file)), packages: filePackages(file) })),
    ...lock.images.map((image) => ({ id: spdxId(image.name), packages: [imagePackage(image)] })),
  ];
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `sealift-bundle-${lock.serial}`,
    documentNamespace: `https://spdx.org/spdxdocs/sealift-bundle-${lock.serial}-${lockSha256}`,
    creationInfo: { created: dateText(date ?? new Date(0)), creators: ["Tool: sealift"] },
    packages: parts.flatMap(({ packages }) => packages),
    relationships: [
      ...parts.map(({ id }) => relation("SPDXRef-DOCUMENT", "DESCRIBES", id)),
      ...lock.files.flatMap((file) =>
        (file.members ?? []).map((member) =>
          relation(spdxId(label(file)), "CONTAINS", memberId(file, member)),
        ),
      ),
      ...lock.files.flatMap((file) =>
        imagesOfApp(file, lock).map((image) => relation(spdxId(label(file)), "DEPENDS_ON", spdxId(image))),
      ),
    ],
  };
}

/**
 * A file, then its members. Members are packages too: an SPDX 2.3 file must have a SHA-1, which is insecure and not in the lock.
 */
function filePackages(file: LockedFile): readonly object[] {
  const supplier = supplierOf(file);
  return [
    {
      ...common(spdxId(label(file)), file.name, file.sha256),
      versionInfo: file.version,
      packageFileName: fileTitle(file.url),
      ...(supplier === undefined ? {} : { supplier: `Organization: ${supplier.name}` }),
      downloadLocation: file.url.startsWith("https:") ? file.url : "NOASSERTION",
      licenseDeclared: file.licence,
      primaryPackagePurpose: file.kind === "binary" ? "APPLICATION" : "ARCHIVE",
      externalRefs: [purl(filePurl(file))],
      comment: `For ${file.platform}. Sources of the sha256: ${file.sources.join("; ")}.`,
    },
    ...(file.members ?? []).map((member) => ({
      ...common(memberId(file, member), member.path, member.sha256),
      packageFileName: member.path,
      downloadLocation: "NOASSERTION",
      primaryPackagePurpose: "FILE",
    })),
  ];
}

function imagePackage(image: LockedImage): object {
  return {
    ...common(spdxId(image.name), image.name, hexOf(image.digest)),
    versionInfo: image.digest,
    downloadLocation: "NOASSERTION",
    primaryPackagePurpose: "CONTAINER",
    externalRefs: [purl(imagePurl(image))],
    comment: `For ${image.platforms.join(", ")}.`,
  };
}

function common(id: string, name: string, sha256: string): object {
  return {
    SPDXID: id,
    name,
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    copyrightText: "NOASSERTION",
    checksums: [{ algorithm: "SHA256", checksumValue: sha256 }],
  };
}

function purl(referenceLocator: string): object {
  return { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator };
}

function relation(spdxElementId: string, relationshipType: string, relatedSpdxElement: string): object {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

function memberId(file: LockedFile, { path }: Member): string {
  return spdxId(`${label(file)} ${path}`);
}

/**
 * An id has only letters, digits, dots and hyphens: any other byte, and the hyphen itself, becomes `-x` and two digits, so that
 * ids cannot collide.
 */
function spdxId(text: string): string {
  const escaped = [...Buffer.from(text)].map((byte) => {
    const one = String.fromCharCode(byte);
    return /[A-Za-z0-9.]/.test(one) ? one : `-x${byte.toString(16).padStart(2, "0")}`;
  });
  return `SPDXRef-${escaped.join("")}`;
}
