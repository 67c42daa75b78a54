/** The CA certificates of an external registry. */
import { readFileSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import type { Problem } from "../core/errors.ts";

/** Each certificate of a PEM file as base64 of its DER, or why it is rejected. */
export function readCaFile(path: string): readonly string[] | Problem {
  const problem = (found: string): Problem => ({
    where: path,
    code: "E_VALUE",
    subject: "registry.external.ca",
    found,
    expected: "a PEM file with CA certificates",
    fix: "use the CA file that the registry's operator provides",
  });
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return problem(error instanceof Error ? error.message : String(error));
  }
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return problem("no certificate");
  try {
    const certificates = blocks.map((block) => new X509Certificate(block));
    const other = certificates.find(({ ca }) => !ca);
    if (other !== undefined)
      return problem(`a certificate that is not a CA certificate: ${other.subject.replaceAll("\n", ", ")}`);
    return certificates.map(({ raw }) => raw.toString("base64"));
  } catch (error) {
    return problem(error instanceof Error ? error.message : String(error));
  }
}
