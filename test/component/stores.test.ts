/** Stores of backups come before the hosts that write to them, which get the certificate that a store has just made. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { backupsOf, type BackupsFile } from "../../modules/core/site/backups.ts";
import type { HostSpec } from "../../modules/core/site/site-spec.ts";
import type { Phase } from "../../modules/core/host/step.ts";
import { exampleFacts, exampleFiles, exampleHost, library } from "../support/fixtures/example-host.ts";
import { recordResources } from "../support/pulumi/mocks.ts";

const file: BackupsFile = {
  ...{ restic: "0.19.1", restServer: "0.14.0", password: "secrets/restic.age" },
  store: { host: "store-a", mount: "/data" },
  copies: [{ host: "store-b", mount: "/data" }],
};
// The hosts that need the others come first in the site.
const hosts = ["node-a", "store-a", "store-b"].map((name, at) => ({
  ...{ name, address: `10.20.0.1${at}`, backed: name === "node-a" },
}));

function certificateOf(host: string): string {
  const address = hosts.find(({ name }) => name === host)?.address ?? "";
  const names = ["-addext", `subjectAltName=IP:${address}`, "-addext", "basicConstraints=critical,CA:FALSE"];
  const fresh = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const out = ["-days", "9", "-subj", "/CN=store", "-keyout", "/dev/null", "-outform", "DER"];
  const stdio: ["ignore", "pipe", "ignore"] = ["ignore", "pipe", "ignore"];
  return execFileSync("openssl", [...fresh, ...out, ...names], { stdio }).toString("base64");
}

const made = new Map(["store-a", "store-b"].map((name) => [name, certificateOf(name)]));
const recorded = await recordResources(false, (name) => {
  const certificate = made.get(name.replace(/-store-run$/, ""));
  return certificate === undefined ? "" : `value\tstore.certificate\t${certificate}\n`;
});
// Imported after the mocks are in place, as Pulumi's testing guide asks.
const { phasesOf } = await import("../../modules/rollout/phases.ts");
const { provisionHosts } = await import("../../modules/rollout/provision-hosts.ts");
const { certificateStep, trustedStoreStep } = await import("../../modules/backup/certificates.ts");

test("copies come before the store, the store before its clients, and each knows the certificate of the next", async () => {
  const none = new Map<string, string>();
  const plans = hosts.map(({ name, address }) => {
    const { backup, store } = backupsOf(file, hosts, name);
    const spec: HostSpec = { ...exampleHost(), name, address };
    const steps: Phase["steps"] =
      store === undefined
        ? []
        : [
            certificateStep(store),
            ...store.copies.map(({ host }) => trustedStoreStep("store.copy-certificate.", host, none)),
          ];
    const phases = {
      ...phasesOf(spec, exampleFiles, exampleFacts),
      ...(steps.length === 0 ? {} : { store: { name: "store", steps } }),
      ...(backup === undefined
        ? {}
        : {
            backup: {
              name: "backup",
              steps: [trustedStoreStep("backup.certificate.", backup.store.host, none)],
            },
          }),
    };
    // Every fact holds, so that nobody asks the host after the run.
    const facts = Object.values(phases)
      .flatMap((phase) => phase.steps)
      .map(({ code, fact }) => ({ status: "ok", code, fact, found: "" }) as const);
    const report = { steps: facts, revision: { machine: "62ff67b1", journalLines: 9 } };
    return {
      spec: { ...spec, ...(backup && { backup }), ...(store && { store }) },
      ...{ files: exampleFiles, deliveries: [], retainedBlobs: [], seeds: [], warnings: [], phases },
      probe: { kind: "reached", report } as const,
    };
  });
  const { provisioned, problems } = await provisionHosts({
    ...{ bundle: { serial: 7 }, library, lockSha256: "", signers: [], rollout: {}, receipt: undefined },
    ...{ caBundles: [], storeCertificates: none, unreachable: [], hosts: plans, warnings: [] },
  });
  assert.deepEqual(problems, []);
  await Promise.all(
    [...provisioned.values()].map(({ last }) => new Promise((done) => last?.report.apply(done))),
  );
  const runs = recorded.filter(({ name }) => /-(store|backup)-run$/.test(name));
  assert.deepEqual(
    runs.map(({ name }) => name),
    ["store-b-store-run", "store-a-store-run", "node-a-backup-run"],
  );
  const [, store, client] = runs.map(({ inputs }) => JSON.stringify(inputs));
  assert.ok(store?.includes(`store_certificate_known store-b ${made.get("store-b") ?? "?"}`), store);
  assert.ok(client?.includes(`store_certificate_known store-a ${made.get("store-a") ?? "?"}`), client);
  assert.ok(!`${store}${client}`.includes("store_certificate_known store-b unknown"));
});
