/** Address and port of a service as one text. */

/** `node-a.corp:22`, `10.0.0.5:22`, `[fd00::5]:22`: as in a URL (RFC 3986, 3.2.2). */
export function endpoint(host: string, port: number): string {
  return `${bracketed(host)}:${port}`;
}

/** An IPv6 address in brackets; a name or an IPv4 address as it is. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
