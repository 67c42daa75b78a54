import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { errorCodes, type ErrorCode } from "../../modules/core/errors.ts";
import { checks, type CheckName } from "../../modules/preflight/checks.ts";
import { preflightProblems, preflightWarnings } from "../../modules/preflight/index.ts";
import { checkout } from "../lab/cache.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";
import { trackedFiles } from "../support/fixtures/tracked-files.ts";

/** The codes are a contract: people search for them, and programs read them. UPDATE_GOLDEN=1 writes the list again. */
test("the list of error codes is the recorded one", () => {
  const file = new URL("../golden/error-codes.txt", import.meta.url);
  const text = errorCodes.toSorted().join("\n") + "\n";
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  assert.equal(text, readFileSync(file, "utf8"));
});

/** Codes that no test program names, each with the reason. */
const untested: Readonly<Partial<Record<ErrorCode, string>>> = {
  E_DISK_PATHS:
    "needs one disk that is reached by two paths; volumes-shell.test.ts asserts the finding behind it",
  E_LAB_IMAGE: "the lab alone reports it, when a virtual machine's image cannot be built",
  E_PACKAGES: "the lab alone reports it, when this machine lacks packages and cannot install them",
};

test("every error code is asserted by name in a test, or has a reason why not", () => {
  const own = "test/unit/error-codes.test.ts";
  const texts = trackedFiles()
    .filter((path) => /^test\/.*(\.test\.ts|-corpus\.yaml)$/.test(path) && path !== own)
    .map((path) => readFileSync(join(checkout, path), "utf8"));
  const named = new Set<string>(texts.flatMap((text) => text.match(/\bE_[A-Z0-9_]+/g) ?? []));
  for (const code of Object.values(codeOfCheck)) named.add(code);
  assert.deepEqual(
    errorCodes.filter((code) => !named.has(code)).toSorted(),
    Object.keys(untested).toSorted(),
  );
});

/** What preflight reports when a fact does not hold. */
const codeOfCheck: Readonly<Record<CheckName, ErrorCode>> = {
  free: "E_HOST_LOCKED",
  boot: "E_DUPLICATE",
  os: "E_OS",
  architecture: "E_ARCH",
  commands: "E_HOST_TOOLS",
  memory: "E_MEMORY",
  hostname: "E_HOSTNAME",
  clock: "E_CLOCK",
  "clock-near": "E_CLOCK",
  "kernel-modules": "E_KERNEL",
  "swarm-modules": "E_KERNEL",
  "swarm-addresses": "E_KERNEL",
  "kernel-features": "E_KERNEL",
  cgroup: "E_CGROUP",
  iptables: "E_IPTABLES",
  apparmor: "E_APPARMOR",
  selinux: "E_SELINUX",
  sysctls: "E_SYSCTL",
  engine: "E_UNMANAGED_ENGINE",
  data: "E_DATA_ROOT",
  units: "E_UNMANAGED_UNIT",
  masked: "E_UNMANAGED_UNIT",
  daemon: "E_DAEMON_NEEDS",
  ports: "E_PORT",
  mtu: "E_MTU",
  pools: "E_ADDRESS_POOL",
  "pools-builtin": "E_ADDRESS_POOL",
  "swarm-pools": "E_SWARM_POOL",
  "ssh-path": "E_ADDRESS_POOL",
  resolver: "E_RESOLVER",
  firewall: "E_FIREWALL",
  space: "E_NO_SPACE",
  mounts: "E_MOUNT_OPTIONS",
  tmp: "E_MOUNT_OPTIONS",
};

for (const [name, code] of Object.entries(codeOfCheck))
  test(`preflight.${name} that does not hold is reported as ${code}`, () => {
    const step = {
      status: "drift",
      code: `preflight.${name}`,
      fact: "it holds",
      found: "it does not",
    } as const;
    const probe = { kind: "reached", report: { steps: [step], revision: undefined } } as const;
    const host = exampleHost();
    const [failures, warnings] = [preflightProblems(host, probe), preflightWarnings(host, probe)];
    const reported = checks[name as CheckName].level === "fail" ? failures : warnings;
    assert.deepEqual(
      [...failures, ...warnings].map((problem) => problem.code),
      [code],
    );
    assert.equal(reported[0]?.subject, `preflight.${name}`);
  });
