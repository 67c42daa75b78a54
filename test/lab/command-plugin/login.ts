/** How a connection logs in and whom it trusts. */
import { connect } from "node:net";
import { once } from "node:events";
import ssh2, { type AnyAuthMethod, type ConnectConfig, type ParsedKey } from "ssh2";
import type { Endpoint } from "./connection.ts";

/**
 * Options for ssh2 from one end of a connection.
 * @throws {Error} for a key that cannot be read, or an agent that does not answer: neither is worth a second attempt
 */
export async function loginOptions(endpoint: Endpoint): Promise<ConnectConfig> {
  return {
    username: endpoint.user,
    readyTimeout: endpoint.perDialTimeout * 1000,
    authHandler: await ways(endpoint),
    ...hostKeyOptions(endpoint.hostKey),
  };
}

async function ways(endpoint: Endpoint): Promise<AnyAuthMethod[]> {
  const { user: username, password } = endpoint;
  const list: AnyAuthMethod[] = [];
  if (endpoint.privateKey !== undefined)
    list.push({
      type: "publickey",
      username,
      key: readKey(endpoint.privateKey, endpoint.privateKeyPassword),
    });
  if (password !== undefined)
    list.push(
      { type: "password", username, password },
      {
        type: "keyboard-interactive",
        username,
        prompt: (_name, _instructions, _language, prompts, finish) => {
          finish(prompts.map(() => password));
        },
      },
    );
  const agent = endpoint.agentSocketPath ?? process.env["SSH_AUTH_SOCK"];
  if (agent === undefined || agent === "") return list;
  await askAgent(agent);
  // The official plugin tries each method once, and a private key is the same method as the agent's keys.
  return endpoint.privateKey === undefined ? [...list, { type: "agent", username, agent }] : list;
}

/** The official plugin opens the agent's socket before it dials, also when it has a key already. */
async function askAgent(path: string): Promise<void> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const why = missing ? "no such file or directory" : "connection refused";
    throw new Error(`dial unix ${path}: connect: ${why}`, { cause: error });
  } finally {
    socket.destroy();
  }
}

function readKey(text: string, passphrase: string | undefined): ParsedKey {
  const key = ssh2.utils.parseKey(text, passphrase);
  if (key instanceof Error) throw new Error(`ssh: no key found: ${key.message}`, { cause: key });
  return key;
}

function hostKeyOptions(hostKey: string | undefined): Pick<ConnectConfig, "algorithms" | "hostVerifier"> {
  if (hostKey === undefined) return { hostVerifier: () => true };
  const key = ssh2.utils.parseKey(hostKey);
  if (key instanceof Error) throw new Error("failed to parse host key: ssh: no key found", { cause: key });
  const expected = key.getPublicSSH();
  return {
    algorithms: { serverHostKey: [key.type] },
    hostVerifier: (offered: Buffer) => expected.equals(offered),
  };
}
