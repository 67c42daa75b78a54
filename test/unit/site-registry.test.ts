import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { registryPorts } from "../../modules/core/site/registry.ts";
import { upstreamFirst } from "../../modules/core/site/site-spec.ts";
import { seedsOf } from "../../modules/rollout/phases.ts";
import { libraryCall } from "../support/guests/library-call.ts";
import { external, own, withRegistry } from "../support/fixtures/registry-site.ts";
import { changed, exampleText, problemsOf, siteOf } from "../support/fixtures/site-text.ts";
import schema from "../../stacks/site.schema.json" with { type: "json" };

test("a registry on a host: every host knows its address, and the host itself that it runs it", () => {
  const [a, b] = siteOf(withRegistry(own)).hosts;
  const known = {
    name: "registry.site",
    port: 5000,
    prefix: "",
    addresses: ["10.20.0.11"],
    mirroredRegistries: ["docker.io", "ghcr.io", "quay.io", "registry.k8s.io"],
    explicitMirrors: false,
    follows: "names",
    trust: { hosts: ["node-a"] },
  };
  assert.deepEqual(b?.registry, known);
  const serves = { version: "3.1.2", mount: "/registry", address: "10.20.0.11", writerPort: 5001 };
  assert.deepEqual(a?.registry, { ...known, serves });
  assert.equal(b.daemon["registry-mirrors"], undefined);
});

test("the networks that may reach the writer are known to the hosts that run it, and to no others", () => {
  const [a, b] = siteOf(withRegistry(`${own}\nwriterNetworks: [10.20.0.0/16, "fd00:20::/32"]`)).hosts;
  assert.deepEqual(a?.registry?.serves?.writerNetworks, ["10.20.0.0/16", "fd00:20::/32"]);
  assert.equal(b?.registry?.serves, undefined);
});

test("the address of a registry host may differ from the one that ssh uses", () => {
  const [, b] = siteOf(withRegistry(own.replace("node-a }", "node-a, address: 192.0.2.7 }"))).hosts;
  assert.deepEqual(b?.registry?.addresses, ["192.0.2.7"]);
});

/** node-a in rack r1 and node-b in rack r2, both with a registry. */
const two = withRegistry(own.replace("{ name: node-a }", "{ name: node-a }, { name: node-b }")).replace(
  /( +)- name: node-([ab])\n/g,
  (line, indent: string, letter: string) => `${line}${indent}  rack: ${letter === "a" ? "r1" : "r2"}\n`,
);

test("an external registry with a trailing slash, and with each path of the distribution's grammar", () => {
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
      /E_VALUE registry\.external\.url: .*put a repository path \(Nexus, Artifactory\) into path:, and give a registry that has only an IPv6 address a DNS name/,
    );
});

test("the first registry host is sent the bundle; the next one downloads it from the first", () => {
  const [a, b] = siteOf(two).hosts;
  assert.ok(a && b);
  assert.equal(a.registry?.serves?.upstreamRegistry, undefined);
  assert.equal(b.registry?.serves?.upstreamRegistry, a.address);
  const content = { manifests: [], blobs: [{ sha256: "a2".repeat(32), bytes: 2, path: "index.ts" }] };
  assert.deepEqual(
    [a, b].map((host) => seedsOf(host, content).length),
    [1, 0],
  );
  assert.deepEqual(
    upstreamFirst([{ spec: b }, { spec: a }]).map(({ spec }) => spec.name),
    ["node-a", "node-b"],
  );
});

test("a host asks the registry of its own rack first", () => {
  const [a, b] = siteOf(two).hosts;
  assert.ok(a && b);
  assert.deepEqual(a.registry?.addresses, [a.address, b.address]);
  assert.deepEqual(b.registry?.addresses, [b.address, a.address]);
});

test("a host with the classic store gets a mirror for Docker Hub, and nothing else", () => {
  const [, b] = siteOf(withRegistry(own, "classic")).hosts;
  assert.deepEqual(b?.registry?.mirroredRegistries, ["docker.io"]);
  assert.deepEqual(b.daemon["registry-mirrors"], ["https://registry.site:5000"]);
});

test("an external registry may refer to the hosts that the site names, each with its port", () => {
  const text = `external: { url: https://registry.corp, allowedHosts: [gitlab.corp, "minio.corp:9000"] }`;
  const [a] = siteOf(withRegistry(text)).hosts;
  assert.deepEqual(a?.registry?.allowedHosts, ["gitlab.corp:443", "minio.corp:9000"]);
  const wrong = problemsOf(withRegistry(text.replace("9000", "99999"))).map(formatProblem);
  assert.equal(wrong.length, 1);
  assert.match(wrong[0] ?? "", /E_VALUE registry\.external\.allowedHosts\[1\]: .*a port up to 65535/);
});

test("an external registry: its name, port and path, and no host that runs it", () => {
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

/** One mistake each: the text, and the message of the refusal. */
const mistakes: readonly [string, string, RegExp][] = [
  [
    "neither run nor external",
    withRegistry("port: 5000"),
    /:\d+:\d+: E_KEY_MISSING registry\.name: found: nothing; expected: the key "name", or external; fix: add name: to registry$/,
  ],
  [
    "host that is not there",
    withRegistry(own.replace("node-a", "node-z")),
    /E_VALUE registry\.hosts\[0\]\.name: found: "node-z"; expected: a host of this site \(node-a, node-b\); fix: choose one of these$/,
  ],
  [
    "host named twice",
    withRegistry(own.replace("{ name: node-a }", "{ name: node-a }, { name: node-a }")),
    /E_DUPLICATE registry\.hosts\[1\]\.name: found: "node-a"/,
  ],
  [
    "address that is a name",
    withRegistry(own.replace("node-a }", "node-a, address: store.site }")),
    /E_VALUE registry\.hosts\[0\]\.address: found: "store\.site"; expected: an IPv4 address; fix: set address: /,
  ],
  [
    "mount that no volume has",
    withRegistry(own.replace("/registry", "/elsewhere")),
    /E_VALUE registry\.mount: found: "\/elsewhere"; expected: a mount of node-a in the site file \(\/svc, \/logs, \/registry, \/data\)/,
  ],
  [
    "the engine's own volume",
    withRegistry(own.replace("mount: /registry", "mount: /data")),
    /E_CONFLICT registry\.mount: found: "\/data"; expected: a volume other than that of data-root \(\/data\/docker\) on node-a/,
  ],
  [
    "one port for both",
    withRegistry(`${own}\nport: 5001`),
    /E_CONFLICT registry\.writerPort: found: 5001; expected: a port other than that of the reader/,
  ],
  [
    "a network that is an address in it",
    withRegistry(`${own}\nwriterNetworks: [10.20.0.0/16, 10.20.0.9/24]`),
    /E_VALUE registry\.writerNetworks\[1\]: found: "10\.20\.0\.9\/24"; expected: a network in CIDR notation without host bits; fix: write it like 10\.20\.0\.0\/16/,
  ],
  ...["0.0.0.0/0", "127.0.0.0/8", "::/0", "::1/128"].map((network): [string, string, RegExp] => [
    `the writer opened to ${network}`,
    withRegistry(`${own}\nwriterNetworks: ["${network}"]`),
    /E_VALUE registry\.writerNetworks\[0\]: .*; expected: a network that does not contain loopback addresses/,
  ]),
  [
    "a writer's network that is a name",
    withRegistry(`${own}\nwriterNetworks: [office.corp/24]`),
    /E_VALUE registry\.writerNetworks\[0\]: found: "office\.corp\/24"; expected: a network in CIDR notation; fix: write it like/,
  ],
  [
    "networks of a writer that is somebody else's",
    withRegistry(`${external}\nwriterNetworks: [10.20.0.0/16]`),
    /E_CONFLICT registry\.writerNetworks: .*only mirroredRegistries together with external/,
  ],
  ["port of the system", withRegistry(`${own}\nport: 443`), /E_VALUE registry\.port: found: 443/],
  [
    "version with a known hole",
    withRegistry(own.replace("3.1.2", "3.0.0")),
    /E_VALUE registry\.version: found: "3\.0\.0"; expected: 3\.1\.1 or later; fix: choose a newer version and add it to the bundle$/,
  ],
  [
    "name with a port",
    withRegistry(own.replace("registry.site", "registry.site:5000")),
    /E_VALUE registry\.name: found: "registry\.site:5000"; expected: a DNS name/,
  ],
  [
    "own and external at once",
    withRegistry(`${external}\nversion: 3.1.2`),
    /E_CONFLICT registry\.version: found: "3\.1\.2"; expected: only mirroredRegistries together with external/,
  ],
  [
    "external without TLS",
    withRegistry("external: { url: http://harbor.corp }"),
    /E_VALUE registry\.external\.url: found: "http:\/\/harbor\.corp"; expected: https:\/\/, a DNS name/,
  ],
  [
    "external with a port that is none",
    withRegistry("external: { url: https://harbor.corp:70000 }"),
    /E_VALUE registry\.external\.url: .*expected: a port up to 65535/,
  ],
  [
    "mirrors beside the registry",
    withRegistry(own).replace("log-driver: local", "registry-mirrors: [https://mirror.corp]"),
    /E_CONFLICT hosts\[0\]\.daemon\.registry-mirrors: .*the site's registry is the only one; fix: remove it$/,
  ],
  [
    "more than the classic store can",
    withRegistry(`${own}\nmirroredRegistries: [docker.io, ghcr.io]`, "classic"),
    /E_CONFLICT registry\.mirroredRegistries: found: \["ghcr\.io"\]; expected: only docker\.io, because a host \(node-a\) has the classic image store or an engine before 28\.5, .*; fix: set daemon\.features: \{ containerd-snapshotter: true \} for node-a, with engine 28\.5 or later, or remove them/,
  ],
  [
    "itself among the mirrored registries",
    withRegistry(`${own}\nmirroredRegistries: [docker.io, "registry.site:5000"]`),
    /E_CONFLICT registry\.mirroredRegistries: found: "registry\.site:5000"; expected: registries other than the site's own; fix: remove it: /,
  ],
  ...(
    [
      ["nginx:1.27", "write docker.io/library/nginx:1.27"],
      ["rancher/pause:3.6", "write docker.io/rancher/pause:3.6"],
      ["docker.io/busybox:1.37", "write docker.io/library/busybox:1.37"],
      [`registry.k8s.io/pause:3.9@sha256:${"0".repeat(64)}`, "write registry.k8s.io/pause:3.9"],
      ["[fd00::5]:5000/team/app:1", "give the registry a DNS name and use it"],
    ] as const
  ).map(([image, fix]): [string, string, RegExp] => [
    `the image ${image}`,
    changed("\n    hosts:\n", `\n    images: ["${image}"]\n    hosts:\n`),
    new RegExp(
      `:\\d+:\\d+: E_VALUE images\\[0\\]: found: "${image.slice(0, 8).replace("[", "\\[")}.*; fix: ${fix}$`,
    ),
  ]),
  [
    "a path and the classic store",
    withRegistry(external, "classic"),
    /E_CONFLICT registry\.external\.path: found: "sealift"; expected: no path, because a host \(node-a\) has the classic image store or an engine before 28\.5, which request \/<path>\/v2\/…, while this registry serves \/v2\/<path>\/…; fix: set daemon\.features/,
  ],
  [
    "a path and an engine before 28.5, which takes mirrors with a path all the same",
    withRegistry(external).replace("28.5.2", "28.4.0"),
    /E_CONFLICT registry\.external\.path: found: "sealift"; expected: no path, because a host \(node-a\) has/,
  ],
];
test("image names of registries with a port stay as they are, and lead to a path without a colon", () => {
  const text = withRegistry(`${own}\nmirroredRegistries: [docker.io, "registry.corp:5000"]`);
  const images = text.replace(
    "\n    hosts:\n",
    '\n    images: ["registry.corp:5000/team/app:1"]\n    hosts:\n',
  );
  const [host] = siteOf(images).hosts;
  assert.deepEqual(host?.images, ["registry.corp:5000/team/app:1"]);
  assert.deepEqual(host.registry?.mirroredRegistries, ["docker.io", "registry.corp:5000"]);
  const lines =
    "sources_registry=registry.site:5000 sources_prefix=site/ sources_ca=system\nsources_text registry.corp:5000";
  const url = "https://registry.site:5000/v2/site/registry.corp_5000";
  const entry = 'capabilities = ["pull", "resolve"]\noverride_path = true';
  assert.equal(
    libraryCall("/nowhere", lines).trimEnd(),
    `0 # Made by Sealift.\nserver = "${url}"\n${entry}\n\n[host."${url}"]\n${entry}`,
  );
});

for (const [name, text, words] of mistakes) {
  test(`refused with code, place and remedy: ${name}`, () => {
    const reported = problemsOf(text).map(formatProblem);
    assert.ok(
      reported.some((line) => words.test(line)),
      reported.join("\n"),
    );
  });
}
