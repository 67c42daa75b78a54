/** The part of a Pulumi engine that a plugin sends its log lines to; it keeps them for a test to look at. */
import grpc from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/engine_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { promisify } from "node:util";

export interface RecordingEngine {
  readonly address: string;
  /** `<SEVERITY> <line>`; the lines that only show while a resource is worked on have `status` in front. */
  readonly lines: readonly string[];
  stop(): void;
}

export async function startRecordingEngine(): Promise<RecordingEngine> {
  const lines: string[] = [];
  const severities = Object.keys(messages.LogSeverity);
  const log: grpc.handleUnaryCall<messages.LogRequest, empty.Empty> = ({ request }, done) => {
    const severity = severities[request.getSeverity()] ?? "?";
    lines.push(`${request.getEphemeral() ? "status " : ""}${severity} ${request.getMessage()}`);
    done(null, new empty.Empty());
  };
  const server = new grpc.Server();
  server.addService(services.EngineService, { log });
  const bind = promisify(server.bindAsync.bind(server));
  const port = await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  return {
    address: `127.0.0.1:${port}`,
    lines,
    stop: () => {
      server.forceShutdown();
    },
  };
}
