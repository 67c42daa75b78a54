/** The calls of the provider protocol, as methods of a gRPC service. A call left out answers "not implemented". */
import grpc from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { checkInputs } from "./check.ts";
import { commandResource } from "./command-resource.ts";
import { copyResource } from "./copy-resource.ts";
import { diffInputs } from "./diff.ts";
import { diffMessage } from "./diff-message.ts";
import type { EngineLog } from "./engine-log.ts";
import { operations } from "./operations.ts";
import { fromWire, toWire } from "./properties.ts";
import type { Resource } from "./resource.ts";
import { StatusError } from "./status-error.ts";

/** What the official plugin writes into the provider's own state (pulumi-go-provider of command 1.2.1). */
const frameworkVersion = { "__pulumi-go-provider-version": "1.2.0" };
const version = "1.2.1";

const resources: Readonly<Record<string, Resource>> = {
  "command:remote:Command": commandResource,
  "command:remote:CopyToRemote": copyResource,
};

/** @param log where lines for the person at the screen go */
export function providerService(log: EngineLog): grpc.UntypedServiceImplementation {
  const current = operations();
  return {
    handshake: answer(() => new provider.ProviderHandshakeResponse().setAcceptSecrets(true)),

    getPluginInfo: answer(() => new plugin.PluginInfo().setVersion(version)),

    checkConfig: answer((request: provider.CheckRequest) => {
      const inputs = { ...fromWire(request.getNews()), ...frameworkVersion };
      return new provider.CheckResponse().setInputs(toWire(inputs));
    }),

    configure: answer(() => new provider.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true)),

    check: answer((request: provider.CheckRequest) => {
      const { inputs, failures } = checkInputs(find(request.getUrn()).inputs, fromWire(request.getNews()));
      const messages = failures.map(({ property, reason }) =>
        new provider.CheckFailure().setProperty(property).setReason(reason),
      );
      return new provider.CheckResponse().setInputs(toWire(inputs)).setFailuresList(messages);
    }),

    diff: answer((request: provider.DiffRequest) => {
      const olds = fromWire(request.getOldInputs());
      const kept = request.getIgnorechangesList().flatMap((name) => {
        const old = olds[name];
        return old === undefined ? [] : [[name, old] as const];
      });
      const news = { ...fromWire(request.getNews()), ...Object.fromEntries(kept) };
      return diffMessage(diffInputs(olds, news, find(request.getUrn()).replaceOnChanges));
    }),

    create: answer(async (request: provider.CreateRequest) => {
      const urn = request.getUrn();
      const inputs = fromWire(request.getProperties());
      const { id, state } = await current.run(request.getTimeout(), (signal) =>
        find(urn).create({ urn, inputs, preview: request.getPreview(), signal, log }),
      );
      return new provider.CreateResponse().setId(id).setProperties(toWire(state));
    }),

    read: answer((request: provider.ReadRequest) =>
      new provider.ReadResponse()
        .setId(request.getId())
        .setProperties(request.getProperties())
        .setInputs(request.getInputs()),
    ),

    update: answer(async (request: provider.UpdateRequest) => {
      const urn = request.getUrn();
      const inputs = fromWire(request.getNews());
      const olds = fromWire(request.getOlds());
      const state = await current.run(request.getTimeout(), (signal) =>
        find(urn).update({ urn, inputs, preview: request.getPreview(), signal, log }, olds),
      );
      return new provider.UpdateResponse().setProperties(toWire(state));
    }),

    delete: answer(async (request: provider.DeleteRequest) => {
      const urn = request.getUrn();
      const inputs = fromWire(request.getProperties());
      await current.run(request.getTimeout(), (signal) =>
        find(urn).delete({ urn, inputs, preview: false, signal, log }),
      );
      return new empty.Empty();
    }),

    cancel: answer(() => {
      current.cancelAll();
      return new empty.Empty();
    }),
  };
}

function find(urn: string): Resource {
  const type = urn.split("::")[2]?.split("$").at(-1) ?? "";
  const resource = resources[type];
  if (resource !== undefined) return resource;
  throw new StatusError(grpc.status.NOT_FOUND, `Resource '${type.replace(/^command:/, "")}' not found`);
}

/** Makes a handler of a plain function: what it throws becomes a status with a message, never a broken call. */
function answer<Q, A>(method: (request: Q) => A | Promise<A>): grpc.handleUnaryCall<Q, A> {
  return (call, done) => {
    void (async () => method(call.request))().then(
      (value) => {
        done(null, value);
      },
      (error: unknown) => {
        const code = error instanceof StatusError ? error.code : grpc.status.UNKNOWN;
        done({ code, details: error instanceof Error ? error.message : String(error) });
      },
    );
  };
}
