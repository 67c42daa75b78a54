import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFile, cp, open, rm } from "node:fs/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { join, relative } from "node:path";
import { cachePath, checkout } from "../lab/cache.ts";
import type { LabSite } from "../lab/pulumi/stack.ts";
import { silentPort } from "../support/servers/silent-port.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Refusals by a probe. After each refusal the host must be as bare as before. */
describe("refused before any host is changed", () => {
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

  test("a typo in the site file, with its line and column", () =>
    refused(
      /stacks\/Pulumi\.lab-refusal\.yaml:\d+:\d+: E_UNIT volumes\.journal\.maxUse: found: "4G"; expected: a whole number and/,
      ({ volumes }) => Object.assign(volumes, { journal: { mount: "/logs", maxUse: "4G" } }),
    ));

  test("a host that does not answer: an error for up", async () => {
    const port = await silentPort();
    await refused(
      /refusal: E_HOST_UNREACHABLE ops@127\.0\.0\.1:\d+: found: .*; expected: an answer from sshd; fix: make sure that the host runs/,
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

  test("findings that do not prevent a run: a warning for preview", async () => {
    await site.write();
    const { exitCode, output } = await site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    assert.match(
      output,
      /warning: refusal: E_RESOLVER preflight\.resolver: found: \/etc\/resolv\.conf has no name server; expected: .*; fix: set daemon\.dns/,
    );
  });

  test("a host key other than the pinned one", () =>
    refused(
      /refusal: E_HOST_KEY ops@.*found: "key SHA256:\S+"; expected: the host key from the site file, SHA256:\S+; fix: if the host was reinstalled/,
      (text) =>
        Object.assign(host(text), {
          hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab",
        }),
    ));

  test("an SSH user whose key is not in the agent", () =>
    refused(/E_LOGIN nobody-here@/, (text) => Object.assign(host(text), { sshUser: "nobody-here" })));

  test("an SSH user without sudo", async () => {
    await onHost(
      "sudo useradd -m plain && sudo cp -r .ssh /home/plain/ && sudo chown -R plain: /home/plain/.ssh",
    );
    await refused(
      /E_SUDO plain@.*expected: sudo without a password; fix: put "plain ALL=\(ALL\) NOPASSWD: ALL" into/,
      (text) => Object.assign(host(text), { sshUser: "plain" }),
    );
  });

  test("a uid that belongs to another user", async () => {
    await onHost("sudo useradd -u 1777 -M squatter");
    await refused(/E_UID_TAKEN users\.deploy: found: uid 1777 belongs to squatter/, ({ users }) =>
      Object.assign(users[0] ?? {}, { uid: 1777 }),
    );
  });

  test("an operating system that is not supported", async () => {
    await onHost(
      "sudo sh -c 'cp --remove-destination $(readlink -f /etc/os-release) /etc/os-release && sed -i s/^VERSION_ID=.*/VERSION_ID=11/ /etc/os-release'",
    );
    await refused(
      /E_OS preflight\.os: found: debian:11; expected: the operating system is supported; fix: install a supported system: ubuntu:22\.04/,
    );
    await onHost("sudo sed -i 's/^VERSION_ID=.*/VERSION_ID=13/' /etc/os-release");
  });

  test("another Docker on the host", async () => {
    await onHost("sudo sh -c 'echo [Service] >/etc/systemd/system/docker.service'");
    await refused(/E_UNMANAGED_ENGINE preflight\.engine: found: \/etc\/systemd\/system\/docker\.service/);
    await onHost("sudo rm /etc/systemd/system/docker.service");
  });

  test("everything that daemon.json refers to and the host lacks, at once", () =>
    refused(
      /E_DAEMON_NEEDS preflight\.daemon: found: bridge: no bridge br9, userns-remap: no user nobody-here, \/etc\/docker\/no\.json does not exist, default-runtime: no program \/usr\/bin\/no-crun; expected/,
      ({ daemon }) =>
        Object.assign(daemon, {
          bridge: "br9",
          "userns-remap": "nobody-here",
          "seccomp-profile": "/etc/docker/no.json",
          "default-runtime": "crun",
          runtimes: { crun: { path: "/usr/bin/no-crun" } },
        }),
    ));

  test("a user for userns-remap without subordinate ids", async () => {
    await onHost("sudo sh -c 'useradd -M remapped; sed -i /^remapped:/d /etc/subuid /etc/subgid'");
    await refused(
      /E_DAEMON_NEEDS preflight\.daemon: found: userns-remap: \/etc\/subuid has no line for remapped, userns-remap: \/etc\/subgid has no line for remapped/,
      ({ daemon }) => Object.assign(daemon, { "userns-remap": "remapped" }),
    );
  });

  test("a size limit for containers on a file system without project quotas", () =>
    refused(/found: \/data has no project quotas \(mount option pquota\)/, ({ daemon }) =>
      Object.assign(daemon, { "storage-opts": ["overlay2.size=1G"] }),
    ));

  test("an engine that the bundle does not contain", () =>
    refused(
      /E_ENGINE_NOT_IN_BUNDLE refusal engine\.version: found: 1\.2\.3 for linux\/\w+; expected: an engine of the bundle: [\d.]+ \(linux/,
      (text) => {
        text.engine.version = "1.2.3";
      },
    ));

  describe("a bundle", () => {
    const copy = cachePath("tmp", "broken-bundle");
    const bundle = { directory: relative(checkout, copy) };
    before(() => cp(site.lab.bundle.directory, copy, { recursive: true }));
    after(() => rm(copy, { recursive: true }));

    test("that is absent", () =>
      refused(/E_BUNDLE_MISSING/, (text) => Object.assign(text.bundle, { directory: "nowhere" })));

    test("whose reviewed lock is absent", () =>
      refused(/nolock\.yaml: E_LOCK_MISSING lock: found: no such file/, (text) =>
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
