/** Waits for the output of a resource. */
import * as pulumi from "@pulumi/pulumi";

/** What came of an Output in an update. */
export interface OutputEnd<T> {
  readonly end: "known" | "left out" | "failed";
  /** Absent unless it is known. */
  readonly value?: T;
}

/**
 * In an update.
 *
 * @returns undefined when this run does not learn the value: the resource failed while others continued (`pulumi up --continue-on-error`), or
 * `--target` or `--exclude` left it out and no earlier run had created it. `apply` on their outputs is never called.
 */
export async function knownValue<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  return (await outputEnd(output)).value;
}

/** In an update: waits for the value of an output, or until it is known to get none. */
export async function outputEnd<T>(output: pulumi.Output<T>): Promise<OutputEnd<T>> {
  const end = await endOf(output);
  return end === "known" ? { end, value: await new Promise((resolve) => output.apply(resolve)) } : { end };
}

/**
 * Waits until the output of a resource is known, or known to get no value. In a preview, "left out" is also an output that only an update can know.
 * By then Pulumi has printed why a resource failed.
 */
export async function endOf(output: pulumi.Output<unknown>): Promise<OutputEnd<unknown>["end"]> {
  try {
    const { known } = await pulumi.runtime.serializeProperties("endOf", { known: output.apply(() => true) });
    return known === pulumi.runtime.unknownValue ? "left out" : "known";
  } catch {
    return "failed";
  }
}
