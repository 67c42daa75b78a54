/** Everything that is under way, so that one call can end it all. */
import grpc from "@grpc/grpc-js";
import { StatusError } from "./status-error.ts";

export interface Operations {
  /**
   * Runs one operation under a signal.
   * @param timeoutSeconds the resource's customTimeouts; 0 means none
   * @throws an error with a gRPC status once the signal has gone off
   */
  run<T>(timeoutSeconds: number, operation: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Ends what runs now and refuses what comes later: the CLI calls it once, before it ends the plugin. */
  cancelAll(): void;
}

export function operations(): Operations {
  const cancelled = new AbortController();
  return {
    run: async (timeoutSeconds, operation) => {
      const signals = [cancelled.signal];
      if (timeoutSeconds > 0) signals.push(AbortSignal.timeout(timeoutSeconds * 1000));
      const signal = AbortSignal.any(signals);
      try {
        signal.throwIfAborted();
        return await operation(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
        // The words and codes of Go's contexts, as the official plugin has them.
        throw cancelled.signal.aborted
          ? new StatusError(grpc.status.CANCELLED, "context canceled")
          : new StatusError(grpc.status.DEADLINE_EXCEEDED, "context deadline exceeded");
      }
    },
    cancelAll: () => {
      cancelled.abort();
    },
  };
}
