/** Waits for what a resource tells. */
import * as pulumi from "@pulumi/pulumi";

/**
 * In an update.
 *
 * @returns undefined when this run does not learn it: a resource that Pulumi was told to leave out, and that it had not made before, tells nothing,
 * and `apply` on its outputs is never called.
 */
export async function valueOf<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  const { known } = await pulumi.runtime.serializeProperties("valueOf", { known: output.apply(() => true) });
  if (known === pulumi.runtime.unknownValue) return undefined;
  return new Promise((resolve) => output.apply(resolve));
}
