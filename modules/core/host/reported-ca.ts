/** Validates the CA that a registry host reports. Pure. */
import { caSha256, caShape } from "./ca-shape.ts";
import type { Problem } from "../errors.ts";
import type { CaBundle } from "../site/registry.ts";
import type { ServedHost } from "../site/site-spec.ts";

/**
 * Refuses a CA that could certify anything other than its own registry: one host could impersonate all the others. Also refuses a
 * CA that the site does not list, if the site lists any.
 *
 * @param value one or two certificates separated by a blank, as `value_registry_ca` prints them.
 */
export function reportedCa(
  { name: host, registry }: Pick<ServedHost, "name" | "registry">,
  value: string,
): CaBundle | Problem {
  const { name, serves, trust } = registry;
  const { address } = serves;
  const problem = (subject: string, found: string, expected: string, fix: string): Problem => ({
    ...{ where: host, code: "E_REGISTRY_CA", subject, found, expected, fix },
  });
  const certificates = value.split(" ");
  const shapes = certificates.map((one) => caShape(one, { name, address }));
  // The CA of an earlier Sealift is being phased out beside the next one.
  if (certificates.length > 2 || !shapes.includes("right") || shapes.includes("other"))
    return problem(
      "registry.ca",
      "a certificate that is not a CA for this registry only",
      `a CA constrained to ${name} and ${address}`,
      `find out what changed on ${host}, then remove /etc/sealift/registry/ca.key there and run pulumi up`,
    );
  if (trust.sha256 === undefined) return { address, certificates };
  const named = certificates.filter((one) => trust.sha256?.includes(caSha256(one)));
  if (named.length > 0) return { address, certificates: named, named: true };
  const found = certificates.map(caSha256);
  return problem(
    "registry.caSha256",
    `sha256 ${found.join(" and ")}`,
    "a CA listed in registry.caSha256",
    `compare it with \`openssl x509 -noout -fingerprint -sha256 -in /etc/sealift/registry/ca.crt\` on ${host}; add it to caSha256 if it is correct`,
  );
}
