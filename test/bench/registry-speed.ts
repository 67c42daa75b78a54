/** A registry on loopback with TLS: a bundle goes in, an engine comes out, each beside curl with the same bytes. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { quote } from "../../modules/core/quote.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import type { LabBundle } from "../lab/bundle/bundle.ts";
import { architecture } from "../lab/bundle/engine.ts";
import { library } from "../support/fixtures/example-host.ts";
import { startRegistry, type RegistryProcess } from "../support/servers/registry-process.ts";
import { table } from "../support/process/table.ts";
import { inSeconds, megabytes, times } from "./figures.ts";
import { type Command, measured, type Run, sideBySide } from "./measured.ts";
import { verb } from "./sealift-verb.ts";

const runs = 3;
const clients = 50;

/** @param folder for the registries. @returns lines to print. */
export async function registrySpeed(bundle: LabBundle, folder: string): Promise<string> {
  const push = await pushes(bundle, folder);
  const registry = await startRegistry(join(folder, "filled"), { tls: true });
  try {
    await verb("push", bundle.directory, registry.address, ...access(bundle, registry));
    return [push, await pulls(bundle, registry, folder)].join("\n\n");
  } finally {
    await registry.stop();
  }
}

function access({ allowedSigners }: LabBundle, { caFile = "" }: RegistryProcess): readonly string[] {
  return ["--allowed-signers", allowedSigners, "--ca-file", caFile];
}

async function pushes(bundle: LabBundle, folder: string): Promise<string> {
  const blobs = join(bundle.directory, inside.blobs);
  const names = await readdir(blobs);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(blobs, name))).size));
  const bytes = sizes.reduce((sum, one) => sum + one, 0);
  let round = 0;
  // Every round has an empty registry.
  const fresh = async (work: (registry: RegistryProcess) => Promise<Run>): Promise<Run> => {
    const registry = await startRegistry(join(folder, `empty-${round++}`), { tls: true });
    return work(registry).finally(() => registry.stop());
  };
  const { sealift, curl } = await sideBySide(runs, {
    sealift: () =>
      fresh((registry) => verb("push", bundle.directory, registry.address, ...access(bundle, registry))),
    curl: () => fresh((registry) => measured({ ...bareUpload(registry), cwd: blobs })),
  });
  const row = (what: string, run: Run): string[] => [
    what,
    inSeconds(run),
    `${megabytes(bytes / run.seconds)}/s`,
    times(run.seconds / curl.seconds),
  ];
  return [
    `${megabytes(bytes)} into an empty registry on loopback with TLS, medians of ${runs}:`,
    table([
      ["what", "time", "", "of bare curl"],
      row("sealift bundle push: verified, four at a time, every tag", sealift),
      row("curl of every blob, one after the other", curl),
    ]),
  ].join("\n");
}

/** Every blob by POST and PUT (distribution-spec 1.1), into one repository and without a manifest. */
function bareUpload({ address, caFile = "" }: RegistryProcess): Command {
  const script = `for blob in *; do
    place=$(curl -fsS --cacert "$1" -X POST -D - -o /dev/null "https://$2/v2/bare/blobs/uploads/" | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')
    curl -fsS --cacert "$1" -T "$blob" -H 'Content-Type: application/octet-stream' "$place&digest=sha256:$blob" -o /dev/null || exit 1
  done`;
  return { program: "sh", args: ["-c", script, "sh", caFile, address] };
}

async function pulls(
  bundle: LabBundle,
  { address, caFile = "" }: RegistryProcess,
  folder: string,
): Promise<string> {
  const { allowedSigners, directory, engineVersion } = bundle;
  const archive = (await verifyBundle(directory, { allowedSigners })).engine(engineVersion, architecture);
  if (archive === undefined) throw new Error(`no engine ${engineVersion}`);
  const { sha256, bytes } = archive;
  const url = `https://${address}/v2/files/docker/blobs/sha256:${sha256}`;
  const curl = ["curl", "-fsS", "--cacert", caFile, "--output"].map(quote).join(" ");
  const at = (name: string): string => quote(join(folder, name));
  // The library as it runs on a host, with its files in this folder.
  const channel = `${library.text}
SEALIFT_BLOBS=${at("blobs")} TRUST_CERTS=${at("certs")}
install -d ${at(`certs/${address}`)}; cp ${quote(caFile)} ${at(`certs/${address}`)}/ca.crt
apply_downloaded_blob ${sha256} ${bytes} ${address} files/docker own 127.0.0.1`;
  const sh = (script: string): Promise<Run> => measured({ program: "sh", args: ["-c", script] });
  const many = `for one in $(seq ${clients}); do ${curl} /dev/null ${url} & done; wait`;
  const inTurn = `for one in $(seq ${clients}); do ${curl} /dev/null ${url}; done`;
  const { ours, bare, atOnce, after } = await sideBySide(runs, {
    ours: () => measured({ program: "sh", args: ["-s"], input: channel }),
    bare: () => sh(`${curl} ${at("bare")} ${url}`),
    atOnce: () => sh(many),
    after: () => sh(inTurn),
  });
  const row = (what: string, run: Run, of: Run, count = 1): string[] => [
    what,
    inSeconds(run),
    `${megabytes((bytes * count) / run.seconds)}/s`,
    times(run.seconds / of.seconds),
  ];
  return [
    `${megabytes(bytes)} out of one reader on loopback with TLS, medians of ${runs}:`,
    table([
      ["what", "time", "", "of bare curl"],
      row("as a host takes it: curl, sha256sum, sync", ours, bare),
      row("curl", bare, bare),
      row(`curl, ${clients} clients one after the other`, after, after, clients),
      row(`curl, ${clients} clients at once`, atOnce, after, clients),
    ]),
  ].join("\n");
}
