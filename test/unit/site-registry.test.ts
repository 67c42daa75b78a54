import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { registryPorts } from "../../modules/core/registry.ts";
import { feederFirst } from "../../modules/core/site-spec.ts";
import { seedsOf } from "../../modules/phases.ts";
import { libraryCall } from "../support/library-call.ts";
import { external, own, withRegistry } from "../support/registry-site.ts";
import { changed, exampleText, problemsOf, siteOf } from "../support/site-text.ts";
import schema from "../../stacks/site.schema.json" with { type: "json" };

test("a registry on a host: every host knows where it is, and the host itself that it runs it", () => {
  const [a, b] = siteOf(withRegistry(own)).hosts;
  const known = {
    name: "registry.site",
    port: 5000,
    prefix: "",
    addresses: ["10.20.0.11"],
    sources: ["docker.io", "ghcr.io", "quay.io", "registry.k8s.io"],
    sourcesWritten: false,
    follows: "names",
    trust: { hosts: ["node-a"] },
  };
  assert.deepEqual(b?.registry, known);
  const serves = { version: "3.1.2", mount: "/registry", address: "10.20.0.11", writerPort: 5001 };
  assert.deepEqual(a?.registry, { ...known, serves });
  assert.equal(b.daemon["registry-mirrors"], undefined);
});

test("who may reach the writer is known to the hosts that run it, and to nobody else", () => {
  const [a, b] = siteOf(withRegistry(`${own}\nwriterNetworks: [10.20.0.0/16, "fd00:20::/32"]`)).hosts;
  assert.deepEqual(a?.registry?.serves?.writerNetworks, ["10.20.0.0/16", "fd00:20::/32"]);
  assert.equal(b?.registry?.serves, undefined);
});

test("the address of a registry host may be another than the one that ssh reaches", () => {
  const [, b] = siteOf(withRegistry(own.replace("node-a }", "node-a, address: 192.0.2.7 }"))).hosts;
  assert.deepEqual(b?.registry?.addresses, ["192.0.2.7"]);
});

/** node-a in rack r1 and node-b in rack r2, both with a registry. */
const two = withRegistry(own.replace("{ name: node-a }", "{ name: node-a }, { name: node-b }")).replace(
  /( +)- name: node-([ab])\n/g,
  (line, indent: string, letter: string) => `${line}${indent}  rack: ${letter === "a" ? "r1" : "r2"}\n`,
);

test("an external registry with a slash at the end, and with each path of the distribution's grammar", () => {
  for (const path of ["infra--mirror", "infra__mirror", "a.b/c_d", "repository/docker-hosted"]) {
    const [host] = siteOf(withRegistry(`external: { url: https://harbor.corp/, path: ${path} }`)).hosts;
    assert.deepEqual(
      [host?.registry?.name, host?.registry?.port, host?.registry?.prefix],
      ["harbor.corp", 443, `${path}/`],
    );
  }
  for (const path of ["a___b", "-a", "a/", "a..b", "A"])
    assert.match(
      problemsOf(withRegistry(`external: { url: https://harbor.corp, path: ${path} }`))
        .map(formatProblem)
        .join(),
      /E_VALUE registry\.external\.path/,
    );
  for (const url of ["https://[fd00::5]:5000", "https://nexus.corp/repository/docker-hosted"])
    assert.match(
      problemsOf(withRegistry(`external: { url: "${url}" }`))
        .map(formatProblem)
        .join(),
      /E_VALUE registry\.external\.url: .*a repository path \(Nexus, Artifactory\) goes into path:, and a registry with an IPv6 address alone needs a DNS name/,
    );
});

test("the first registry host is sent the bundle; the next fills itself out of it", () => {
  const [a, b] = siteOf(two).hosts;
  assert.ok(a && b);
  assert.equal(a.registry?.serves?.feeder, undefined);
  assert.equal(b.registry?.serves?.feeder, a.address);
  const content = { manifests: [], blobs: [{ sha256: "a2".repeat(32), bytes: 2, path: "index.ts" }] };
  assert.deepEqual(
    [a, b].map((host) => seedsOf(host, content).length),
    [1, 0],
  );
  assert.deepEqual(
    feederFirst([{ spec: b }, { spec: a }]).map(({ spec }) => spec.name),
    ["node-a", "node-b"],
  );
});

test("a host asks the registry of its own rack first", () => {
  const [a, b] = siteOf(two).hosts;
  assert.ok(a && b);
  assert.deepEqual(a.registry?.addresses, [a.address, b.address]);
  assert.deepEqual(b.registry?.addresses, [b.address, a.address]);
});

test("a host with the classic store gets a mirror for Docker Hub, and nothing else is promised", () => {
  const [, b] = siteOf(withRegistry(own, "classic")).hosts;
  assert.deepEqual(b?.registry?.sources, ["docker.io"]);
  assert.deepEqual(b.daemon["registry-mirrors"], ["https://registry.site:5000"]);
});

test("an external registry leads to the hosts that the site names, each with its port", () => {
  const text = `external: { url: https://registry.corp, allowedHosts: [gitlab.corp, "minio.corp:9000"] }`;
  const [a] = siteOf(withRegistry(text)).hosts;
  assert.deepEqual(a?.registry?.allowedHosts, ["gitlab.corp:443", "minio.corp:9000"]);
  const wrong = problemsOf(withRegistry(text.replace("9000", "99999"))).map(formatProblem);
  assert.equal(wrong.length, 1);
  assert.match(wrong[0] ?? "", /E_VALUE registry\.external\.allowedHosts\[1\]: .*a port up to 65535/);
});

test("an external registry: its name, port and path, and nobody who runs it", () => {
  const [a] = siteOf(
    withRegistry(`external: { url: https://harbor.corp, ca: ca.pem, path: sealift/prod }`),
  ).hosts;
  const { name, port, prefix, addresses, trust, serves } = a?.registry ?? {};
  assert.deepEqual(
    { name, port, prefix, addresses, trust, serves },
    {
      name: "harbor.corp",
      port: 443,
      prefix: "sealift/prod/",
      addresses: [],
      trust: { hosts: [], file: "ca.pem" },
      serves: undefined,
    },
  );
});

test("without a registry no host has one, nor a mirror", () => {
  const [a] = siteOf(exampleText).hosts;
  assert.equal(a?.registry, undefined);
  assert.equal(a?.daemon["registry-mirrors"], undefined);
});

test("the ports of the schema are the ports of the code", () => {
  const { port, writerPort } = schema.$defs.registry.properties;
  assert.deepEqual({ port: port.default, writerPort: writerPort.default }, registryPorts);
});

/** One slip each: the text, and the words that it has to be refused with. */
const slips: readonly [string, string, RegExp][] = [
  [
    "neither run nor external",
    withRegistry("port: 5000"),
    /:\d+:\d+: E_KEY_MISSING registry\.name: got nothing; expected the key "name", or external; add name: to registry$/,
  ],
  [
    "host that is not there",
    withRegistry(own.replace("node-a", "node-z")),
    /E_VALUE registry\.hosts\[0\]\.name: got "node-z"; expected a host of this site \(node-a, node-b\); name one of these$/,
  ],
  [
    "host named twice",
    withRegistry(own.replace("{ name: node-a }", "{ name: node-a }, { name: node-a }")),
    /E_DUPLICATE registry\.hosts\[1\]\.name: got "node-a"/,
  ],
  [
    "address that is a name",
    withRegistry(own.replace("node-a }", "node-a, address: store.site }")),
    /E_VALUE registry\.hosts\[0\]\.address: got "store\.site"; expected an IPv4 address; write address: /,
  ],
  [
    "mount that no volume has",
    withRegistry(own.replace("/registry", "/elsewhere")),
    /E_VALUE registry\.mount: got "\/elsewhere"; expected a mount of node-a that the site names \(\/svc, \/logs, \/registry, \/data\)/,
  ],
  [
    "the engine's own volume",
    withRegistry(own.replace("mount: /registry", "mount: /data")),
    /E_CONFLICT registry\.mount: got "\/data"; expected another volume than the one of data-root \(\/data\/docker\) of node-a/,
  ],
  [
    "one port for both",
    withRegistry(`${own}\nport: 5001`),
    /E_CONFLICT registry\.writerPort: got 5001; expected another port than the reader's/,
  ],
  [
    "a network that is an address in it",
    withRegistry(`${own}\nwriterNetworks: [10.20.0.0/16, 10.20.0.9/24]`),
    /E_VALUE registry\.writerNetworks\[1\]: got "10\.20\.0\.9\/24"; expected a network in CIDR form, with no bit set behind its prefix; write it like 10\.20\.0\.0\/16/,
  ],
  ...["0.0.0.0/0", "127.0.0.0/8", "::/0", "::1/128"].map((network): [string, string, RegExp] => [
    `the writer opened to ${network}`,
    withRegistry(`${own}\nwriterNetworks: ["${network}"]`),
    /E_VALUE registry\.writerNetworks\[0\]: .*; expected a network without the host's own loopback addresses: not everybody/,
  ]),
  [
    "a writer's network that is a name",
    withRegistry(`${own}\nwriterNetworks: [office.corp/24]`),
    /E_VALUE registry\.writerNetworks\[0\]: got "office\.corp\/24"; expected a network in CIDR form; write it like/,
  ],
  [
    "networks of a writer that is somebody else's",
    withRegistry(`${external}\nwriterNetworks: [10.20.0.0/16]`),
    /E_CONFLICT registry\.writerNetworks: .*only sources beside external/,
  ],
  ["port of the system", withRegistry(`${own}\nport: 443`), /E_VALUE registry\.port: got 443/],
  [
    "version with a known hole",
    withRegistry(own.replace("3.1.2", "3.0.0")),
    /E_VALUE registry\.version: got "3\.0\.0"; expected 3\.1\.1 or later; carry a newer one in the bundle$/,
  ],
  [
    "name with a port",
    withRegistry(own.replace("registry.site", "registry.site:5000")),
    /E_VALUE registry\.name: got "registry\.site:5000"; expected a DNS name/,
  ],
  [
    "own and external at once",
    withRegistry(`${external}\nversion: 3.1.2`),
    /E_CONFLICT registry\.version: got "3\.1\.2"; expected only sources beside external/,
  ],
  [
    "external without TLS",
    withRegistry("external: { url: http://harbor.corp }"),
    /E_VALUE registry\.external\.url: got "http:\/\/harbor\.corp"; expected https:\/\/, a DNS name/,
  ],
  [
    "external with a port that is none",
    withRegistry("external: { url: https://harbor.corp:70000 }"),
    /E_VALUE registry\.external\.url: .*expected a port up to 65535/,
  ],
  [
    "mirrors beside the registry",
    withRegistry(own).replace("log-driver: local", "registry-mirrors: [https://mirror.corp]"),
    /E_CONFLICT hosts\[0\]\.daemon\.registry-mirrors: .*the registry of the site is the only one; remove it$/,
  ],
  [
    "more than the classic store can",
    withRegistry(`${own}\nsources: [docker.io, ghcr.io]`, "classic"),
    /E_CONFLICT registry\.sources: got \["ghcr\.io"\]; expected docker\.io alone where a host \(node-a\) has the classic image store or an engine before 28\.5, .*; set daemon\.features: \{ containerd-snapshotter: true \} for node-a, with an engine from 28\.5 on, or take them out/,
  ],
  [
    "itself among the sources",
    withRegistry(`${own}\nsources: [docker.io, "registry.site:5000"]`),
    /E_CONFLICT registry\.sources: got "registry\.site:5000"; expected other registries than the site's own; take it out/,
  ],
  ...(
    [
      ["nginx:1.27", "write docker.io/library/nginx:1.27"],
      ["rancher/pause:3.6", "write docker.io/rancher/pause:3.6"],
      ["docker.io/busybox:1.37", "write docker.io/library/busybox:1.37"],
      [`registry.k8s.io/pause:3.9@sha256:${"0".repeat(64)}`, "write registry.k8s.io/pause:3.9"],
      ["[fd00::5]:5000/team/app:1", "give the registry a name, and write that"],
    ] as const
  ).map(([image, todo]): [string, string, RegExp] => [
    `the image ${image}`,
    changed("\n    hosts:\n", `\n    images: ["${image}"]\n    hosts:\n`),
    new RegExp(
      `:\\d+:\\d+: E_VALUE images\\[0\\]: got "${image.slice(0, 8).replace("[", "\\[")}.*; ${todo}$`,
    ),
  ]),
  [
    "a path and the classic store",
    withRegistry(external, "classic"),
    /E_CONFLICT registry\.external\.path: got "sealift"; expected no path where a host \(node-a\) has the classic image store/,
  ],
];
test("image names of registries with a port stay as they are, and lead to a path without a colon", () => {
  const text = withRegistry(`${own}\nsources: [docker.io, "registry.corp:5000"]`);
  const images = text.replace(
    "\n    hosts:\n",
    '\n    images: ["registry.corp:5000/team/app:1"]\n    hosts:\n',
  );
  const [host] = siteOf(images).hosts;
  assert.deepEqual(host?.images, ["registry.corp:5000/team/app:1"]);
  assert.deepEqual(host.registry?.sources, ["docker.io", "registry.corp:5000"]);
  const lines =
    "sources_registry=registry.site:5000 sources_prefix=site/ sources_ca=system\nsources_text registry.corp:5000";
  const url = "https://registry.site:5000/v2/site/registry.corp_5000";
  const entry = 'capabilities = ["pull", "resolve"]\noverride_path = true';
  assert.equal(
    libraryCall("/nowhere", lines).trimEnd(),
    `0 # Made by Sealift.\nserver = "${url}"\n${entry}\n\n[host."${url}"]\n${entry}`,
  );
});

for (const [name, text, words] of slips) {
  test(`refused with code, place and remedy: ${name}`, () => {
    const told = problemsOf(text).map(formatProblem);
    assert.ok(
      told.some((line) => words.test(line)),
      told.join("\n"),
    );
  });
}
