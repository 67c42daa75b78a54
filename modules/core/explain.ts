/** Turns a refusal into the one message that Pulumi prints without a stack trace. */
import * as pulumi from "@pulumi/pulumi";
import { SealiftError } from "./errors.ts";

/** @throws {pulumi.RunError} for what a person can mend; anything else keeps its stack. */
export async function explain<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof SealiftError) throw new pulumi.RunError(error.message);
    throw error;
  }
}
