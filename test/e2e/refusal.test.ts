import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, cp, open, rm } from "node:fs/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { join, relative } from "node:path";
import { cachePath, checkout } from "../lab/cache.ts";
import type { LabSite } from "../lab/stack.ts";
import { silentPort } from "../support/silent-port.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/site-under-test.ts";
import { undoAfter } from "../support/undo.ts";

/** Everything that is refused by looking. After each refusal the host has to be as bare as it was. */
describe("refused before any host is touched", () => {
  let site: SiteUnderTest;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("refusal", siteMachine);
    undo(() => site.end());
  });
  afterEach(async () => {
    const { exitCode } = await onHost(
      "! getent group docker && ! test -e /var/lib/sealift && ! test -e .sealift",
    );
    assert.equal(exitCode, 0, "the host was touched");
  });

  const onHost = (command: string): ReturnType<SiteUnderTest["guest"]["exec"]> => site.guest.exec(command);
  const host = (text: LabSite): Record<string, unknown> => text.hosts[0] ?? {};

  /** Runs `pulumi up` and wants the message, as a line and not as a stack trace. */
  async function refused(
    message: RegExp,
    change?: (text: LabSite) => void,
    args = ["up", "--yes", "--skip-preview"],
  ): Promise<void> {
    await site.write(change);
    const { exitCode, output } = await site.pulumi(...args);
    assert.notEqual(exitCode, 0, output);
    assert.match(output, message);
    assert.doesNotMatch(output, /^\s+at .*\(.*:\d+:\d+\)/m, "a stack trace");
  }

  test("a slip in the site file, with its line and column", () =>
    refused(
      /stacks\/Pulumi\.lab-refusal\.yaml:\d+:\d+: E_UNIT volumes\.journal\.maxUse: got "4G"; expected a whole number and/,
      ({ volumes }) => Object.assign(volumes, { journal: { mount: "/logs", maxUse: "4G" } }),
    ));

  test("a host that does not answer: an error for up", async () => {
    const port = await silentPort();
    await refused(
      /refusal: E_HOST_UNREACHABLE ops@127\.0\.0\.1:\d+: got .*; expected an answer from sshd; see that the host runs/,
      (text) => Object.assign(host(text), { port }),
    );
  });

  test("a host that does not answer: a warning for preview", async () => {
    const port = await silentPort();
    await site.write((text) => Object.assign(host(text), { port }));
    const { exitCode, output } = await site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    assert.match(output, /warning: refusal: E_HOST_UNREACHABLE/);
  });

  test("what a person should know and what keeps nobody from it: a warning for preview", async () => {
    await site.write();
    const { exitCode, output } = await site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    assert.match(
      output,
      /warning: refusal: E_RESOLVER preflight\.resolver: got \/etc\/resolv\.conf names no name server; expected .*; set daemon\.dns/,
    );
  });

  test("a host key that is not the pinned one", () =>
    refused(
      /refusal: E_HOST_KEY ops@.*got "the key SHA256:\S+"; expected the host key of the site file, SHA256:\S+; compare both/,
      (text) =>
        Object.assign(host(text), {
          hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab",
        }),
    ));

  test("a login whose key is not in the agent", () =>
    refused(/E_LOGIN nobody-here@/, (text) => Object.assign(host(text), { login: "nobody-here" })));

  test("a login without sudo", async () => {
    await onHost(
      "sudo useradd -m plain && sudo cp -r .ssh /home/plain/ && sudo chown -R plain: /home/plain/.ssh",
    );
    await refused(
      /E_SUDO plain@.*expected sudo without a password; put "plain ALL=\(ALL\) NOPASSWD: ALL" into/,
      (text) => Object.assign(host(text), { login: "plain" }),
    );
  });

  test("a uid that belongs to somebody else", async () => {
    await onHost("sudo useradd -u 1777 -M squatter");
    await refused(/E_UID_TAKEN users\.deploy: got uid 1777 belongs to squatter/, ({ users }) =>
      Object.assign(users[0] ?? {}, { uid: 1777 }),
    );
  });

  test("an operating system that is not supported", async () => {
    await onHost(
      "sudo sh -c 'cp --remove-destination $(readlink -f /etc/os-release) /etc/os-release && sed -i s/^VERSION_ID=.*/VERSION_ID=11/ /etc/os-release'",
    );
    await refused(
      /E_OS preflight\.os: got debian:11; expected the operating system is supported; install one of ubuntu:22\.04/,
    );
    await onHost("sudo sed -i 's/^VERSION_ID=.*/VERSION_ID=13/' /etc/os-release");
  });

  test("another Docker on the host", async () => {
    await onHost("sudo sh -c 'echo [Service] >/etc/systemd/system/docker.service'");
    await refused(/E_FOREIGN_ENGINE preflight\.engine: got found: \/etc\/systemd\/system\/docker\.service/);
    await onHost("sudo rm /etc/systemd/system/docker.service");
  });

  test("an engine that the bundle does not hold", () =>
    refused(
      /E_ENGINE_NOT_IN_BUNDLE refusal engine\.version: got 1\.2\.3 for linux\/\w+; expected an engine of the bundle: [\d.]+ \(linux/,
      (text) => {
        text.engine.version = "1.2.3";
      },
    ));

  describe("a bundle", () => {
    const copy = cachePath("tmp", "broken-bundle");
    const bundle = { directory: relative(checkout, copy) };
    before(() => cp(site.lab.bundle.directory, copy, { recursive: true }));
    after(() => rm(copy, { recursive: true }));

    test("that is not there", () =>
      refused(/E_BUNDLE_MISSING/, (text) => Object.assign(text.bundle, { directory: "nowhere" })));

    test("whose reviewed lock is not there", () =>
      refused(/nolock\.yaml: E_LOCK_MISSING lock: got no such file/, (text) =>
        Object.assign(text.bundle, { lock: "nolock.yaml" }),
      ));

    test("with one flipped byte", async () => {
      const stdout = execFileSync("find", [join(copy, "blobs", "sha256"), "-size", "+1024k"], {
        encoding: "utf8",
      });
      const [blob = ""] = stdout.split("\n");
      const file = await open(blob, "r+");
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, 4096);
      await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, 4096);
      await refused(/E_BUNDLE_DIGEST/, (text) => Object.assign(text.bundle, bundle));
      await file.write(byte, 0, 1, 4096);
      await file.close();
    });

    test("whose signed text was changed", async () => {
      await appendFile(join(copy, "sealift.json"), " ");
      await refused(/E_BUNDLE_SIGNATURE/, (text) => Object.assign(text.bundle, bundle));
    });
  });
});
