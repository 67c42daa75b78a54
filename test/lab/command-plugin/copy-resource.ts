/** command:remote:CopyToRemote as official 1.2.1 has it: copies at create and when the bytes or the path change. */
import { randomBytes } from "node:crypto";
import type { InputSchema } from "./check.ts";
import { connectionInputs, dial } from "./connection.ts";
import { equal } from "./diff.ts";
import { isArchive, isAsset, isObject, open, unknown, type Json, type Properties } from "./properties.ts";
import type { Operation, Resource } from "./resource.ts";
import { openSftp, type Sftp } from "./sftp.ts";
import { copyPath, writeText } from "./sftp-copy.ts";
import { whenAborted } from "./when-aborted.ts";

const inputs: InputSchema = {
  name: "CopyToRemoteInputs",
  fields: {
    connection: { type: connectionInputs, required: true, secret: true },
    triggers: { type: "list" },
    source: { type: "source", required: true },
    remotePath: { type: "string", required: true },
  },
};

export const copyResource: Resource = {
  inputs,
  replaceOnChanges: ["triggers"],

  create: async (operation) => {
    // The official plugin shows the source as unknown in a preview.
    if (operation.preview) return { id: "", state: { ...operation.inputs, source: unknown } };
    await copy(operation);
    return { id: randomBytes(4).toString("hex"), state: operation.inputs };
  },

  update: async (operation, olds) => {
    const { inputs: news, preview } = operation;
    const same = (name: string): boolean => equal(open(news[name] ?? null), open(olds[name] ?? null));
    if (preview) return Object.keys(inputs.fields).every(same) ? news : { ...news, source: unknown };
    // Another host alone copies nothing.
    if (!same("source") || !same("remotePath")) await copy(operation);
    return news;
  },

  delete: () => Promise.resolve(),
};

async function copy({ urn, inputs: closed, signal, log }: Operation): Promise<void> {
  const values = open(closed);
  if (!isObject(values)) throw new Error("the inputs are not known");
  const connection = await dial(values["connection"] ?? null, signal, (line) => {
    log.status(urn, line);
  });
  whenAborted(signal, connection.end);
  try {
    await copySource(await openSftp(connection.client), values);
  } finally {
    connection.end();
    await log.flush();
  }
}

async function copySource(sftp: Sftp, { source, remotePath }: Properties): Promise<void> {
  const target = textOf(remotePath);
  if (!isAsset(source) && !isArchive(source))
    throw new Error("the source is neither an asset nor an archive");
  const { path, text } = source;
  if (isAsset(source) && typeof text === "string" && text !== "") await writeText(sftp, text, target);
  else await copyPath(sftp, textOf(path), target);
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
