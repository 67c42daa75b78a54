/** The certificates that stores report. Pure. */
import { createHash, X509Certificate } from "node:crypto";
import { type Problem, SealiftError } from "../core/errors.ts";
import { parseReport } from "../core/host/report.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase, Step } from "../core/host/step.ts";
import type { BackupStoreSpec } from "../core/site/backups.ts";

/** By the name of a store's host: its certificate as base64 of the DER. Without an entry it is not known yet. */
export type StoreCertificates = ReadonlyMap<string, string>;

/** The step that reports the certificate of a store to the hosts that write to it. */
export const certificateCode = "store.certificate";

/** The one step that other hosts wait for. */
export function certificateStep({ address }: Pick<BackupStoreSpec, "address">): Step {
  return {
    code: certificateCode,
    fact: `the store has a certificate for ${address}`,
    effect: "none",
    call: ["store_certificate", address],
  };
}

/** Codes of steps that name the certificate of another host: `backup.certificate.store-a`. */
const codes = ["backup.certificate.", "store.copy-certificate."] as const;

/** A host's fact that it trusts a store for backups, and nothing else. */
export function trustedStoreStep(
  code: (typeof codes)[number],
  store: string,
  certificates: StoreCertificates,
): Step {
  return {
    code: `${code}${store}`,
    fact: `the certificate of the store on ${store} is known to restic`,
    effect: "none",
    call: ["store_certificate_known", store, certificates.get(store) ?? "unknown"],
  };
}

/** The same phase with the certificates that are known by now. */
export function withCertificates({ name, steps }: Phase, certificates: StoreCertificates): Phase {
  return {
    name,
    steps: steps.map((step) => {
      const code = codes.find((one) => step.code.startsWith(one));
      return code === undefined ? step : trustedStoreStep(code, step.code.slice(code.length), certificates);
    }),
  };
}

/** Whether a step depends on the certificate of another host. */
export function needsCertificate({ code }: Pick<Step, "code">): boolean {
  return codes.some((one) => code.startsWith(one));
}

/**
 * The certificate that a store has reported: it is trusted for connections to this store alone.
 *
 * @returns undefined when the host has reported none.
 * @throws {E_STORE_CERTIFICATE} when it is not one for the address of this host.
 */
export function reportedCertificateOf(
  spec: Pick<HostSpec, "name" | "store">,
  report: string,
): string | undefined {
  const { values, duplicateCode } = parseReport(report);
  const value = values?.[certificateCode];
  if (value === undefined) return undefined;
  const found = reportedCertificate(spec, duplicateCode === undefined ? value : "");
  if (typeof found === "string") return found;
  throw new SealiftError([found]);
}

/** {@link reportedCertificateOf} for one value. */
export function reportedCertificate(
  { name, store }: Pick<HostSpec, "name" | "store">,
  value: string,
): string | Problem {
  if (store !== undefined && isFor(value, store.address)) return value;
  return {
    where: name,
    code: "E_STORE_CERTIFICATE",
    subject: certificateCode,
    found: `a value that is not a certificate for ${store?.address ?? "a store"} (sha256 ${createHash("sha256").update(value).digest("hex").slice(0, 12)})`,
    expected: "one certificate for the address of the store, which signs no others",
    fix: `find out what changed on ${name}, then remove /etc/sealift/store/server.crt there and run pulumi up`,
  };
}

const longest = 4096;

function isFor(value: string, address: string): boolean {
  if (value.length > longest) return false;
  const bytes = Buffer.from(value, "base64");
  if (bytes.toString("base64") !== value) return false;
  try {
    const certificate = new X509Certificate(bytes);
    // Others would write what follows it into their files as well.
    const alone = certificate.raw.equals(bytes);
    return alone && !certificate.ca && certificate.subjectAltName === `IP Address:${address}`;
  } catch {
    return false;
  }
}
