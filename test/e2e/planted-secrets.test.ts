/** A host with secrets in places that Sealift reads, and one that has used a newer bundle: the real program, from the preview on. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { cachePath } from "../lab/cache.ts";
import { siteMachine, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { startProvisionedSite } from "../support/guests/provisioned-site.ts";
import { undoAfter } from "../support/process/undo.ts";

describe("secrets on a host that are not the site's", () => {
  let site: SiteUnderTest;
  let receipts: string;
  const undo = undoAfter();
  before(async () => {
    receipts = await mkdtemp(cachePath("test", "receipts-"));
    undo(() => rm(receipts, { recursive: true }));
    const { file: key } = await ensureSigningKey(join(receipts, "key"));
    site = await startProvisionedSite("planted", siteMachine);
    undo(() => site.end());
    await site.write((text) => {
      Object.assign(text, { receipt: { directory: receipts, key } });
    });
  });
  const root = (command: string): Promise<string> => site.onHost(`sudo -n sh -c '${command}'`);
  const journal = "/var/lib/sealift/journal";

  test("secrets in a daemon.json, a drop-in and a sudo rule are in no preview, state, journal, receipt or message", async () => {
    const planted = [
      `printf "{\\n  \\"api-token\\": \\"S3CRET\\",\\n  \\"log-opts\\": {\\"splunk-token\\":\\"S3CRET\\"},\\n  \\"registry-mirrors\\": [\\"https://me:S3CRET@m\\"]\\n}\\n" >/etc/docker/daemon.json`,
      `printf "deploy ALL=(ALL) NOPASSWD: /usr/bin/mysql -pS3CRET\\n" >/etc/sudoers.d/other; chmod 0440 /etc/sudoers.d/other`,
      `chmod 0644 ${journal}`,
    ];
    await root(planted.join(" && "));
    const preview = await site.pulumi("preview", "--diff");
    assert.match(preview.output, /"api-token" \(its value is not shown\)/);
    const up = await site.up();
    assert.equal(up.exitCode, 0, up.output);
    const state = await site.pulumi("stack", "export", "--show-secrets");
    const texts = await Promise.all(
      (await readdir(receipts))
        .filter((name) => /\.(json|html)$/.test(name))
        .map((name) => readFile(join(receipts, name), "utf8")),
    );
    assert.ok(texts.some((text) => text.includes("daemon.file")));
    const all = {
      preview: preview.output,
      up: up.output,
      state: state.output,
      receipts: texts.join(),
      journal: await root(`cat ${journal}`),
    };
    assert.match(all.journal, /api-token/);
    for (const [where, text] of Object.entries(all)) assert.doesNotMatch(text, /S3CRET/, where);
    assert.equal((await root(`stat -c %a ${journal}`)).trim(), "600");
  });

  test("a host that has used a newer bundle refuses an older one, in a preview and in a run", async () => {
    await root(
      `echo "2026-11-29T00:00:00Z changed daemon daemon.file bundle=9 login=ops found: x" >>${journal}; rm /etc/docker/daemon.json`,
    );
    const refusal =
      /E_BUNDLE_SERIAL delivery\.serial: found: bundle 1 is older than bundle 9, the last one used on this host; .* accept the older one with sealift bundle accept --insecure-allow-older/;
    for (const verb of ["preview", "up"]) {
      const { exitCode, output } = await site.pulumi(
        verb,
        ...(verb === "up" ? ["--yes", "--skip-preview"] : []),
      );
      assert.notEqual(exitCode, 0);
      assert.match(output, refusal);
    }
    await root("test ! -e /etc/docker/daemon.json");
    // A person who has accepted it on purpose is listened to.
    await root(`sed -i "s/bundle=9 /bundle=1 /" ${journal}`);
    assert.equal((await site.up()).exitCode, 0);
  });
});
