/**
 * The stand-in for the Pulumi command provider: serves the provider protocol on loopback.
 * Started by the CLI as `pulumi-resource-command <engine address>`; its port is the one line on standard output.
 */
import grpc from "@grpc/grpc-js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { promisify } from "node:util";
import { engineLog } from "./engine-log.ts";
import { providerService } from "./service.ts";

const parentCheckMs = 1000;

const limits = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
const server = new grpc.Server(limits);
server.addService(services.ResourceProviderService, providerService(engineLog(process.argv[2])));
const bind = promisify(server.bindAsync.bind(server));
const port = await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
process.stdout.write(`${port}\n`);

// The CLI ends its plugins when it is done; a CLI that was killed cannot, and nobody else would.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(0);
}, parentCheckMs).unref();
