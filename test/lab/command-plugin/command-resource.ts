/** command:remote:Command as official 1.2.1 has it: commands at create, update and delete, nothing in a preview. */
import { randomBytes } from "node:crypto";
import type { InputSchema } from "./check.ts";
import { connectionInputs } from "./connection.ts";
import { equal } from "./diff.ts";
import { isUnknown, open, unknown, type Json, type Properties } from "./properties.ts";
import type { Operation, Resource } from "./resource.ts";
import { runCommand, type Outputs } from "./run-command.ts";

const inputs: InputSchema = {
  name: "CommandInputs",
  fields: {
    triggers: { type: "list" },
    create: { type: "string" },
    update: { type: "string" },
    delete: { type: "string" },
    stdin: { type: "string" },
    logging: { type: "string" },
    connection: { type: connectionInputs, required: true, secret: true },
    environment: { type: "map" },
    addPreviousOutputInEnv: { type: "bool" },
  },
};

export const commandResource: Resource = {
  inputs,
  replaceOnChanges: ["triggers"],

  create: async (operation) => {
    const name = operation.urn.split("::").at(-1) ?? "";
    const id = `${name}${randomBytes(4).toString("hex")}`;
    const { create } = operation.inputs;
    if (operation.preview) return { id, state: { ...operation.inputs, stdout: unknown, stderr: unknown } };
    return { id, state: await run(operation, create, { stdout: "", stderr: "" }) };
  },

  update: async (operation, olds) => {
    const previous = outputsOf(olds);
    if (operation.preview) {
      const changed = Object.keys(inputs.fields).some((name) => differs(operation.inputs[name], olds[name]));
      const outputs = changed ? { stdout: unknown, stderr: unknown } : previous;
      return { ...operation.inputs, ...outputs };
    }
    return run(operation, operation.inputs["update"] ?? operation.inputs["create"], previous);
  },

  delete: async (operation) => {
    await run(operation, operation.inputs["delete"], outputsOf(operation.inputs));
  },
};

async function run(operation: Operation, closed: Json | undefined, previous: Outputs): Promise<Properties> {
  const command = open(closed ?? null);
  if (typeof command !== "string") return { ...operation.inputs, ...previous };
  return { ...operation.inputs, ...(await runCommand(operation, command, previous)) };
}

/** As the official plugin decides it: an input that is new makes no output unknown, one that changes or goes does. */
function differs(now: Json | undefined, old: Json | undefined): boolean {
  return isUnknown(now) || (old !== undefined && (now === undefined || !equal(now, old)));
}

function outputsOf(state: Properties): Outputs {
  const text = (closed: Json | undefined): string => {
    const value = open(closed ?? null);
    return typeof value === "string" ? value : "";
  };
  return { stdout: text(state["stdout"]), stderr: text(state["stderr"]) };
}
