/** What a registry host says of its CA, as far as it may be believed. Pure. */
import { caSha256, caShape } from "./ca-shape.ts";
import type { Problem } from "./errors.ts";
import type { Authority } from "./registry.ts";
import type { ServedHost } from "./site-spec.ts";

/**
 * A CA that could vouch for anything else than its own registry is refused: one host would speak for all the others. So is one that the
 * site does not name, when it names any.
 * @param value one or two certificates with a blank between, as `value_registry_ca` prints them.
 */
export function reportedAuthority(
  { name: host, registry }: Pick<ServedHost, "name" | "registry">,
  value: string,
): Authority | Problem {
  const { name, serves, trust } = registry;
  const { address } = serves;
  const problem = (subject: string, got: string, expected: string, todo: string): Problem => ({
    ...{ where: host, code: "E_REGISTRY_CA", subject, got, expected, todo },
  });
  const certificates = value.split(" ");
  const shapes = certificates.map((one) => caShape(one, { name, address }));
  // One of an earlier Sealift is on its way out beside the next one.
  if (certificates.length > 2 || !shapes.includes("right") || shapes.includes("other"))
    return problem(
      "registry.ca",
      "a certificate that is no CA for this registry alone",
      `a CA for ${name} and ${address} and nothing else`,
      `find out who has changed ${host}; then remove /etc/sealift/registry/ca.key there, and run pulumi up`,
    );
  if (trust.sha256 === undefined) return { address, certificates };
  const named = certificates.filter((one) => trust.sha256?.includes(caSha256(one)));
  if (named.length > 0) return { address, certificates: named, named: true };
  const found = certificates.map(caSha256);
  return problem(
    "registry.caSha256",
    `sha256 ${found.join(" and ")}`,
    "a CA that the site names",
    `compare it with \`openssl x509 -noout -fingerprint -sha256 -in /etc/sealift/registry/ca.crt\` on ${host}; add it if it is right`,
  );
}
