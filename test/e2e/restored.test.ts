import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { restartGuest } from "../lab/guest.ts";
import { keepTranscript } from "../lab/demo/transcript.ts";
import type { LabSite } from "../lab/pulumi/stack.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";
import { startTcpProxy, type TcpProxy } from "../support/servers/tcp-proxy.ts";

/** In which phase a first run ends, and by which program that fails there: so far the host has come in this state. */
const brokenOff = [
  { phase: "users", program: "useradd", words: "" },
  { phase: "engine", program: "tar", words: "" },
  { phase: "daemon", program: "systemctl", words: "restart docker.service" },
] as const;

/**
 * A host that is set back while the state of Pulumi goes on: its journal goes back with it. The states are of users, engine and daemon; a
 * registry host is in registry-classic.test.ts, and power cuts, volumes among them, are in test/cuts.
 */
describe("a host that was restored from a snapshot", () => {
  let site: SiteUnderTest;
  let proxy: TcpProxy;
  let [old, next] = ["", ""];
  const undo = undoAfter();
  before(async () => {
    site = await startSite("restored", siteMachine, "all");
    undo(() => site.end());
    const { engines } = site.lab.bundle;
    old = engines.find(({ version }) => version.startsWith("28."))?.version ?? "";
    next = engines.find(({ origin }) => origin === "built from Go modules")?.version ?? "";
    // One address for all that it has been: a new one alone would be a change for Pulumi.
    proxy = await startTcpProxy(site.guest.port);
    undo(() => {
      proxy.end();
    });
    await save("bare");
    await write();
    for (const { phase, program, words } of brokenOff) {
      await fails(program, words);
      const { exitCode, output } = await site.up();
      assert.notEqual(exitCode, 0, output);
      assert.match(output, new RegExp(`restored ${phase}: E_STEP_FAILED ${phase}\\.`));
      await site.onHost(`sudo rm /usr/local/sbin/${program}`);
      await save(phase);
    }
    await converges(/ created/);
    await save("provisioned");
    // From here on the state of Pulumi is that of the changed site.
    await write(changed);
    await converges(/ updated/);
    await holds();
  });

  const write = (more: (text: LabSite) => void = () => undefined): Promise<void> =>
    site.write((text) => {
      Object.assign(text.hosts[0] ?? {}, { port: proxy.port });
      text.engine.version = old;
      more(text);
    });
  /** Somebody leaves, another engine comes, the daemon has another setting. */
  const changed = (text: LabSite): void => {
    text.users[0] = { ...text.users[0], name: "other", uid: 1501 };
    text.engine.version = next;
    text.daemon["log-opts"] = { "max-size": "30m", "max-file": "4" };
  };
  const save = async (state: string): Promise<void> => {
    await site.guest.save(state);
    proxy.redirect(site.guest.port);
  };
  /** This program fails on the host with these words in its arguments. Programs of /usr/local/sbin come first in a run. */
  const fails = (program: string, words: string): Promise<string> =>
    site.onHost(
      `sudo sh -c 'cat >/usr/local/sbin/${program}; chmod 755 /usr/local/sbin/${program}'`,
      undefined,
      `#!/bin/sh\ncase "$*" in *"${words}"*) exit 1 ;; esac\nexec /usr/bin/env PATH=/usr/sbin:/usr/bin ${program} "$@"\n`,
    );
  const converges = async (message: RegExp): Promise<void> => {
    const { exitCode, output } = await site.up();
    assert.equal(exitCode, 0, output);
    assert.match(output, message);
  };
  const unchanged = async (): Promise<void> => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(exitCode, 0, output);
  };
  const setBack = async (state: string): Promise<void> => {
    await site.guest.kill();
    site.guest = await restartGuest("restored", state);
    proxy.redirect(site.guest.port);
  };
  const engine = (): Promise<string> => site.onHost("sudo docker version --format '{{.Server.Version}}'");
  /** The changed site, in words of the host's own. */
  const holds = async (): Promise<void> => {
    assert.match(await site.onHost("id -nG other"), /docker/);
    await site.onHost("! id -nG deploy 2>/dev/null | grep -qw docker");
    assert.match(await engine(), new RegExp(`^${next}`));
    const options = await site.onHost("sudo docker info --format '{{json .}}'");
    assert.match(options, /"DockerRootDir":"\/data\/docker"/);
    assert.match(await site.onHost("sudo cat /etc/docker/daemon.json"), /"max-size":"30m"/);
  };

  for (const time of ["once", "once more"]) {
    test(`restored to before an engine upgrade and a user's removal, ${time}: both are done again`, async () => {
      await setBack("provisioned");
      assert.match(await engine(), new RegExp(`^${old}`));
      assert.match(await site.onHost("id -nG deploy"), /docker/);
      assert.doesNotMatch(
        await site.onHost("sudo cat /var/lib/sealift/journal"),
        new RegExp(`engine ${next}`),
      );
      await converges(/ updated/);
      await holds();
    });
  }

  for (const { phase } of brokenOff.toReversed()) {
    test(`restored to the middle of the ${phase} phase of the first run: the next run continues`, async () => {
      await setBack(phase);
      await converges(/ updated/);
      await holds();
    });
  }

  test("restored to before the first run: the run makes it a Docker host again, and then nothing changes", async () => {
    await setBack("bare");
    await site.onHost("! test -e /var/lib/sealift");
    await converges(/ updated/);
    await holds();
    await unchanged();
  });

  test("at another address it is the same host: each phase is updated and finds its facts true", async () => {
    const journal = await site.onHost("sudo cat /var/lib/sealift/journal");
    await site.write(changed);
    const { exitCode, output } = await site.pulumi("preview");
    keepTranscript("moved", `$ pulumi preview --stack lab-restored\n${output}`);
    assert.equal(exitCode, 0, output);
    assert.doesNotMatch(output, /; expected: .*; impact:|to create|to delete|to replace/);
    assert.match(output, /^ +~ port +: \d+ => \d+$/m);
    await converges(/ updated/);
    assert.equal(await site.onHost("sudo cat /var/lib/sealift/journal"), journal);
  });
});
