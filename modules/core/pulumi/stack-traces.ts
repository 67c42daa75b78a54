/**
 * Pulumi's SDK creates a stack trace at every promise and every resource, and its ts-node looks up each line in a source map:
 * with a hundred hosts that was a fifth of a run with nothing to do, and a tenth of the state.
 */

type Prepare = (error: Error, frames: NodeJS.CallSite[]) => unknown;

/**
 * From here on, an error without a message, which is never displayed, has no trace. All others keep theirs, source map included.
 * Source: @pulumi/pulumi 3.259, runtime/debuggable.ts and resource.ts (`new Error().stack`).
 */
export function skipUnusedTraces(): void {
  const before = Reflect.get(Error, "prepareStackTrace") as Prepare | undefined;
  if (before === undefined) return;
  Error.prepareStackTrace = (error, frames): unknown =>
    error.message === "" && error.name === "Error" ? "Error" : before(error, frames);
}
