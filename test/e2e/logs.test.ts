import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { imageArchive } from "../lab/bundle/image-archive.ts";
import { labUser } from "../lab/pulumi/stack.ts";
import { startProvisionedSite } from "../support/guests/provisioned-site.ts";
import type { SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Containers that flood their logs, on a host with limits from the site: measured on the volumes themselves. */
describe("a container that floods its log cannot fill the volume", () => {
  const mib = 1024 ** 2;
  const journalMiB = 16;
  let site: SiteUnderTest;
  const undo = undoAfter();
  before(async () => {
    site = await startProvisionedSite("logs");
    undo(() => site.end());
    await site.write(({ volumes, daemon }) => {
      Object.assign(volumes, { journal: { mount: "/logs", maxUse: `${journalMiB}MiB` } });
      daemon["log-opts"] = { "max-size": "1m", "max-file": "3" };
    });
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview");
    assert.equal(exitCode, 0, output);
    await onHost("docker load", labUser, await imageArchive(site.lab.bundle));
  });

  const onHost: SiteUnderTest["onHost"] = (...call) => site.onHost(...call);
  const used = async (mount: string): Promise<number> =>
    Number((await onHost(`df --output=used -B1 ${mount}`)).split("\n")[1]);

  test("with the local driver: max-size times max-file, below data-root", async () => {
    const before = await used("/data");
    // 33 MB, eleven times what the three files may hold; rotated files are compressed, and these hardly can be.
    const flood = "busybox head -c 25000000 /dev/urandom | busybox base64 -w 1000; echo end";
    await onHost(
      `docker run -d --name flood ${site.lab.bundle.image} sh -c '${flood}' && docker wait flood`,
      labUser,
    );
    assert.equal(await onHost("docker logs --tail 1 flood", labUser), "end\n");
    const held = Number((await onHost("sudo du -s -B1 /data/docker/containers")).split("\t")[0]);
    const grown = (await used("/data")) - before;
    console.log(`local: 33 MB written, ${held} bytes below containers, the volume holds ${grown} more`);
    assert.ok(held > mib, `${held} bytes: the log did arrive`);
    assert.ok(held < 4 * mib, `${held} bytes below containers`);
    assert.ok(grown < 5 * mib, `the volume holds ${grown} bytes more`);
  });

  test("with the journald driver: the journal's limit, on the logs volume", async () => {
    const before = { logs: await used("/logs"), root: await used("/") };
    // 40 MB that hardly compress.
    const flood = `busybox head -c 30000000 /dev/urandom | busybox base64 -w 8000`;
    await onHost(
      `docker run -d --name journal --log-driver journald ${site.lab.bundle.image} sh -c '${flood}' && docker wait journal`,
      labUser,
    );
    await onHost("sudo journalctl --sync");
    const kept = Number(
      await onHost("sudo journalctl -D /logs/journal CONTAINER_NAME=journal -o cat | wc -c"),
    );
    // Files alone, as journald counts.
    const held = Number(
      await onHost(
        "sudo find /logs/journal -type f -printf '%b\\n' | awk '{ sum += $1 * 512 } END { print sum }'",
      ),
    );
    const grown = { logs: (await used("/logs")) - before.logs, root: (await used("/")) - before.root };
    console.log(
      `journald: 40 MB written, ${kept} kept, ${held} bytes on /logs, ${grown.logs} more than before; root ${grown.root}`,
    );
    assert.ok(kept > (journalMiB * mib) / 4, `${kept} bytes of the container are in the journal`);
    assert.ok(held <= journalMiB * mib, `${held} bytes of journal`);
    assert.ok(grown.logs < journalMiB * mib, `the volume holds ${grown.logs} bytes more`);
    assert.ok(grown.root < 2 * mib, `the root disk holds ${grown.root} bytes more`);
  });
});
