/** An error with a gRPC status of its own; any other error is UNKNOWN. */
import type grpc from "@grpc/grpc-js";

export class StatusError extends Error {
  readonly code: grpc.status;

  constructor(code: grpc.status, message: string) {
    super(message);
    this.code = code;
  }
}
