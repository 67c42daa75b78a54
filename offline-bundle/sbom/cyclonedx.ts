/** The SBOM of a bundle in CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json). The same lock gives the same text. */
import type { Contents } from "../oci/contents.ts";
import type { LockedFile, LockedImage } from "../spec/lock-file.ts";
import { hexOf } from "../oci/manifests.ts";
import type { Member } from "../upstream/members.ts";
import { originOf } from "../spec/origin.ts";
import { dateText, filePurl, imagePurl, imagesOfApp, supplierOf, uuidOf } from "./sbom.ts";
import { fileTitle, label } from "../spec/bundle-spec.ts";

/** @param date creation date; undefined: none. */
export function cycloneDx({ lock, lockSha256 }: Contents, date: Date | undefined): object {
  const top = `bundle@${lock.serial}`;
  return {
    ...cycloneDxHead(lockSha256),
    metadata: {
      ...(date === undefined ? {} : { timestamp: dateText(date) }),
      tools: { components: [{ type: "application", name: "sealift" }] },
      component: {
        type: "application",
        "bom-ref": top,
        name: "sealift bundle",
        version: String(lock.serial),
        hashes: sha256(lockSha256),
        description: "The hash is that of bundle.lock.yaml, which pins everything in the bundle.",
      },
    },
    components: [...lock.files.map(fileComponent), ...lock.images.map(imageComponent)],
    dependencies: [
      { ref: top, dependsOn: [...lock.files.map(label), ...lock.images.map(({ name }) => name)] },
      ...lock.files.flatMap((file) => {
        const dependsOn = imagesOfApp(file, lock);
        return dependsOn.length === 0 ? [] : [{ ref: label(file), dependsOn }];
      }),
    ],
  };
}

/**
 * The head of every document of this format. The serial number is derived from the lock, so that the same lock gives the same
 * number.
 */
export function cycloneDxHead(lockSha256: string): object {
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(lockSha256)}`,
    version: 1,
  };
}

function fileComponent(file: LockedFile): object {
  const supplier = supplierOf(file);
  return {
    type: "application",
    "bom-ref": label(file),
    ...(supplier === undefined ? {} : { supplier: { name: supplier.name, url: [supplier.url] } }),
    name: file.name,
    version: file.version,
    hashes: sha256(file.sha256),
    licenses: [{ expression: file.licence }],
    purl: filePurl(file),
    ...(file.members === undefined
      ? {}
      : { components: file.members.map((member) => memberOf(file, member)) }),
    externalReferences: [{ type: "distribution", url: file.url, hashes: sha256(file.sha256) }],
    properties: [
      property("platform", file.platform),
      property("kind", file.kind),
      property("title", fileTitle(file.url)),
      ...(file.bytes === undefined ? [] : [property("bytes", String(file.bytes))]),
      ...file.sources.map((source) => property("source", source)),
      property("origin", originOf(file)),
      ...(file.signedBy === undefined ? [] : [property("signed-by", file.signedBy)]),
    ],
  };
}

function memberOf(file: LockedFile, { path, bytes, sha256: hash }: Member): object {
  return {
    type: "file",
    "bom-ref": `${label(file)}#${path}`,
    name: path,
    hashes: sha256(hash),
    properties: [property("bytes", String(bytes))],
  };
}

function imageComponent(image: LockedImage): object {
  return {
    type: "container",
    "bom-ref": image.name,
    name: image.name,
    version: image.digest,
    hashes: sha256(hexOf(image.digest)),
    purl: imagePurl(image),
    properties: [
      ...image.platforms.map((platform) => property("platform", platform)),
      ...image.sources.map((source) => property("source", source)),
      ...(image.signedBy === undefined ? [] : [property("signed-by", image.signedBy)]),
    ],
  };
}

function sha256(content: string): readonly object[] {
  return [{ alg: "SHA-256", content }];
}

function property(name: string, value: string): object {
  return { name: `sealift:${name}`, value };
}
