/**
 * An application of 50 services on one host, beside one of five: how many processes of docker a look at each starts, which must not grow
 * with the services. Counted by the kernel of the host, process by process.
 */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { readFile } from "node:fs/promises";
import { before, describe, test, type TestContext } from "node:test";
import { checkout } from "../lab/cache.ts";
import { bundleSmallApps, smallCompose, type SmallApps } from "../support/fixtures/small-apps.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const counts = { few: 5, many: 50 } as const;
type App = keyof typeof counts;

describe("an application of 50 services", () => {
  let site: SiteUnderTest;
  let bundle: SmallApps;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("apps-many", siteMachine, "apps");
    undo(() => site.end());
    const { image } = site.lab.bundle;
    const versions = Object.entries(counts).map(([name, services]): [string, Record<string, string>] => [
      name,
      { "1.0.0": smallCompose(name, image, services) },
    ]);
    bundle = await bundleSmallApps(site.lab.bundle, Object.fromEntries(versions));
    undo(() => bundle.end());
    const input = await readFile(join(import.meta.dirname, "..", "support", "guests", "process-count.sh"));
    await site.onHost("sudo -n tee /run/process-count.sh >/dev/null", undefined, input);
  });

  const write = (app: App): Promise<void> =>
    site.write((text) => {
      text.daemon["features"] = { "containerd-snapshotter": true };
      Reflect.deleteProperty(text.daemon, "storage-driver");
      Object.assign(text.engine, { compose: site.lab.bundle.plugins.compose });
      text.bundle["directory"] = relative(checkout, bundle.directory);
      Object.assign(text, { apps: [{ name: app, version: "1.0.0", update: { monitor: "2s" } }] });
    });
  /** How many processes of docker and of its plugins have ended meanwhile, and how long it took. */
  const counted = async (
    context: TestContext,
    what: string,
    work: () => Promise<unknown>,
  ): Promise<number> => {
    await site.onHost("sudo -n sh /run/process-count.sh start /run/processes");
    const start = performance.now();
    await work();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const lines = (await site.onHost("sudo -n sh /run/process-count.sh read /run/processes"))
      .trim()
      .split("\n");
    const all = lines.map((line) => line.split(" ") as [string, string]);
    const sum = (some: typeof all): number => some.reduce((total, [count]) => total + Number(count), 0);
    const docker = sum(all.filter(([, name]) => name.startsWith("docker")));
    context.diagnostic(`${what}: ${docker} processes of docker, ${sum(all)} of all programs, ${seconds} s`);
    return docker;
  };
  const pulumi = async (...words: readonly string[]): Promise<string> => {
    const { exitCode, output } = await site.pulumi(...words);
    assert.equal(exitCode, 0, output);
    return output;
  };
  const up = (...more: readonly string[]): Promise<string> =>
    pulumi("up", "--yes", "--skip-preview", ...more);
  const containers = async (app: App): Promise<ReadonlyMap<string, string>> => {
    const format = `--filter label=com.docker.compose.project=${app} --format '{{.Names}} {{.ID}}'`;
    const lines = (await site.onHost(`sudo -n docker ps ${format}`)).trim().split("\n");
    return new Map(lines.map((line) => line.split(" ") as [string, string]));
  };

  const found: Partial<Record<App, Readonly<Record<"unchanged" | "preview" | "drift" | "repair", number>>>> =
    {};
  for (const app of ["few", "many"] as const)
    test(`${counts[app]} services: up, unchanged run, drift of one service`, async (context) => {
      await write(app);
      await counted(context, "first run", () => up());
      const old = await containers(app);
      assert.equal(old.size, counts[app]);
      const unchanged = await counted(context, "unchanged run", () => up("--expect-no-changes"));
      const preview = await counted(context, "preview", () => pulumi("preview", "--expect-no-changes"));
      await site.onHost(`sudo -n docker rm --force ${app}-one03-1`);
      let shown = "";
      const drift = await counted(context, "preview, one service gone", async () => {
        shown = await pulumi("preview");
      });
      assert.deepEqual(
        [...new Set(shown.match(/apps\.\w+\.[\w.]+(?=: found)/g))],
        [`apps.${app}.service.one03`],
      );
      const repair = await counted(context, "repair of one service", () => up());
      const now = await containers(app);
      assert.deepEqual(
        [...now].filter(([name, id]) => old.get(name) !== id).map(([name]) => name),
        [`${app}-one03-1`],
      );
      assert.equal(now.size, counts[app]);
      found[app] = { unchanged, preview, drift, repair };
    });

  test("a look at 50 services starts as many processes of docker as one at five, and so does a repair", () => {
    assert.ok((found.few?.unchanged ?? 0) > 0);
    assert.deepEqual(found.many, found.few);
  });
});
