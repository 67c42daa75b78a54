/** The calls that the Pulumi CLI makes of a command plugin. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import grpc from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { fromWire, toWire, type Properties } from "./properties.ts";

export interface CheckAnswer {
  readonly inputs: Properties;
  /** `<property>: <reason>`, one a failure. */
  readonly failures: readonly string[];
}

export interface DiffAnswer {
  readonly changes: boolean;
  /** Property path to the kind of its change: `ADD`, `UPDATE_REPLACE`, … */
  readonly paths: Readonly<Record<string, string>>;
}

/** What the engine keeps of a resource. */
export interface Before {
  readonly id: string;
  /** Inputs and outputs together. */
  readonly state: Properties;
  readonly inputs: Properties;
}

export interface How {
  /** Default false. */
  readonly preview?: boolean;
  /** The resource's customTimeouts, in seconds; default 0, none. */
  readonly timeoutSeconds?: number;
}

/** One running plugin; each method is one call of the protocol (pulumi/provider.proto, SDK 3.259.0). */
export class PluginClient {
  /** Every line of the plugin's standard output so far. */
  readonly stdout: readonly string[];
  readonly #child: ChildProcess;
  readonly #client: services.ResourceProviderClient;
  readonly #engineAddress: string;
  readonly #forget: () => void;

  constructor(child: ChildProcess, stdout: readonly string[], engineAddress: string, forget: () => void) {
    this.#child = child;
    this.stdout = stdout;
    this.#engineAddress = engineAddress;
    this.#forget = forget;
    const limits = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
    const address = `127.0.0.1:${stdout[0] ?? ""}`;
    this.#client = new services.ResourceProviderClient(address, grpc.credentials.createInsecure(), limits);
  }

  async handshake(): Promise<provider.ProviderHandshakeResponse> {
    const request = new provider.ProviderHandshakeRequest().setEngineAddress(this.#engineAddress);
    return answered((done) => this.#client.handshake(request, done));
  }

  async configure(): Promise<provider.ConfigureResponse> {
    const request = new provider.ConfigureRequest()
      .setAcceptsecrets(true)
      .setAcceptresources(true)
      .setSendsOldInputs(true)
      .setSendsOldInputsToDelete(true)
      .setArgs(toWire({}));
    return answered((done) => this.#client.configure(request, done));
  }

  async version(): Promise<string> {
    const info = await answered<plugin.PluginInfo>((done) =>
      this.#client.getPluginInfo(new empty.Empty(), done),
    );
    return info.getVersion();
  }

  async checkConfig(news: Properties): Promise<Properties> {
    const request = new provider.CheckRequest().setUrn(providerUrn).setNews(toWire(news));
    const answer = await answered<provider.CheckResponse>((done) => this.#client.checkConfig(request, done));
    return fromWire(answer.getInputs());
  }

  async check(type: string, news: Properties): Promise<CheckAnswer> {
    const request = new provider.CheckRequest().setUrn(urn(type)).setNews(toWire(news));
    const answer = await answered<provider.CheckResponse>((done) => this.#client.check(request, done));
    const failures = answer.getFailuresList().map((one) => `${one.getProperty()}: ${one.getReason()}`);
    return { inputs: fromWire(answer.getInputs()), failures };
  }

  async diff(
    type: string,
    before: Before,
    news: Properties,
    ignoreChanges: string[] = [],
  ): Promise<DiffAnswer> {
    const request = new provider.DiffRequest()
      .setUrn(urn(type))
      .setId(before.id)
      .setOlds(toWire(before.state))
      .setOldInputs(toWire(before.inputs))
      .setNews(toWire(news))
      .setIgnorechangesList(ignoreChanges);
    return readDiff(await answered((done) => this.#client.diff(request, done)));
  }

  async create(type: string, inputs: Properties, how: How = {}): Promise<Before> {
    const request = new provider.CreateRequest()
      .setUrn(urn(type))
      .setProperties(toWire(inputs))
      .setPreview(how.preview ?? false)
      .setTimeout(how.timeoutSeconds ?? 0);
    const answer = await answered<provider.CreateResponse>((done) => this.#client.create(request, done));
    return { id: answer.getId(), state: fromWire(answer.getProperties()), inputs };
  }

  async read(type: string, before: Before): Promise<Before> {
    const request = new provider.ReadRequest()
      .setUrn(urn(type))
      .setId(before.id)
      .setProperties(toWire(before.state))
      .setInputs(toWire(before.inputs));
    const answer = await answered<provider.ReadResponse>((done) => this.#client.read(request, done));
    return {
      id: answer.getId(),
      state: fromWire(answer.getProperties()),
      inputs: fromWire(answer.getInputs()),
    };
  }

  async update(type: string, before: Before, inputs: Properties, how: How = {}): Promise<Before> {
    const request = new provider.UpdateRequest()
      .setUrn(urn(type))
      .setId(before.id)
      .setOlds(toWire(before.state))
      .setOldInputs(toWire(before.inputs))
      .setNews(toWire(inputs))
      .setPreview(how.preview ?? false)
      .setTimeout(how.timeoutSeconds ?? 0);
    const answer = await answered<provider.UpdateResponse>((done) => this.#client.update(request, done));
    return { id: before.id, state: fromWire(answer.getProperties()), inputs };
  }

  async delete(type: string, before: Before): Promise<void> {
    const request = new provider.DeleteRequest()
      .setUrn(urn(type))
      .setId(before.id)
      .setProperties(toWire(before.state))
      .setOldInputs(toWire(before.inputs));
    await answered((done) => this.#client.delete(request, done));
  }

  async cancel(): Promise<void> {
    await answered((done) => this.#client.cancel(new empty.Empty(), done));
  }

  /** Ends the process, as the CLI does when it is done, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#client.close();
    this.#forget();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}

const providerUrn = "urn:pulumi:test::conformance::pulumi:providers:command::default_1_2_1";

function urn(type: string): string {
  return `urn:pulumi:test::conformance::command:remote:${type}::subject`;
}

async function answered<A>(
  send: (done: (error: grpc.ServiceError | null, answer: A) => void) => unknown,
): Promise<A> {
  return new Promise((resolve, reject) => {
    send((error, answer) => {
      if (error === null) resolve(answer);
      else reject(error);
    });
  });
}

function readDiff(answer: provider.DiffResponse): DiffAnswer {
  const kinds = Object.keys(provider.PropertyDiff.Kind);
  const paths: Record<string, string> = {};
  answer.getDetaileddiffMap().forEach((change, path) => {
    paths[path] = kinds[change.getKind()] ?? "?";
  });
  return {
    changes: Object.keys(provider.DiffResponse.DiffChanges)[answer.getChanges()] === "DIFF_SOME",
    paths,
  };
}
