/** Lines for the person at the screen, sent to the engine's log service. */
import grpc from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/engine_pb.js";

export interface EngineLog {
  /** A line that shows beside the resource while it is worked on. */
  status(urn: string, line: string): void;
  warn(urn: string, message: string): void;
  error(urn: string, message: string): void;
  /** Waits until everything has been handed over. */
  flush(): Promise<void>;
}

/** @param address `host:port` of the engine; without it, or when nobody answers there, the lines are dropped */
export function engineLog(address: string | undefined): EngineLog {
  const client =
    address === undefined ? undefined : new services.EngineClient(address, grpc.credentials.createInsecure());
  let sent = Promise.resolve();

  // One after the other: calls of one channel may overtake each other.
  const send = (severity: messages.LogSeverity, urn: string, message: string, ephemeral: boolean): void => {
    const request = new messages.LogRequest()
      .setSeverity(severity)
      .setUrn(urn)
      .setMessage(message)
      .setEphemeral(ephemeral);
    sent = sent.then(
      () =>
        new Promise((resolve) => {
          if (client === undefined) resolve();
          else
            client.log(request, () => {
              resolve();
            });
        }),
    );
  };

  return {
    status: (urn, line) => {
      send(messages.LogSeverity.INFO, urn, line, true);
    },
    warn: (urn, message) => {
      send(messages.LogSeverity.WARNING, urn, message, false);
    },
    error: (urn, message) => {
      send(messages.LogSeverity.ERROR, urn, message, false);
    },
    flush: () => sent,
  };
}
