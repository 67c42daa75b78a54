/** Why a connection could not be made, in the words of the official plugin, so that what greps for them finds them. */
export function inWords(
  error: unknown,
  { host, port }: { readonly host: string; readonly port: number },
): Error {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const words = (): string => {
    if (code === "ECONNREFUSED") return `dial tcp ${host}:${port}: connect: connection refused`;
    if (code === "ENOTFOUND") return `dial tcp: lookup ${host}: no such host`;
    if (code === "ETIMEDOUT" || message.startsWith("Timed out"))
      return `dial tcp ${host}:${port}: i/o timeout`;
    if (message.includes("verification failed")) return "ssh: handshake failed: ssh: host key mismatch";
    if (message.includes("authentication methods"))
      return "ssh: handshake failed: ssh: unable to authenticate, no supported methods remain";
    return message.startsWith("Handshake") ? `ssh: handshake failed: ${message}` : message;
  };
  return new Error(words(), { cause: error });
}
