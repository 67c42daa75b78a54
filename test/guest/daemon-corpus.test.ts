import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, test } from "node:test";
import { withProfile, writtenAlways, type DaemonProfile } from "../../modules/core/site/profiles.ts";
import { imageStoreKeys, imageStoreOf } from "../../modules/core/site/image-store.ts";
import { sortedJson } from "../../modules/daemon/sorted-json.ts";
import { daemonPhase } from "../../modules/daemon/index.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { openFilesOf } from "../lab/container/open-files.ts";
import { architecture } from "../lab/bundle/engine.ts";
import { container } from "../lab/machine-choice.ts";
import { prepareLab } from "../lab/prepare.ts";
import { corpus, corpusText, type CorpusRow, type RefusedRow } from "../support/fixtures/daemon-corpus.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { problemsOf, siteOf } from "../support/fixtures/site-text.ts";
import { undoAfter } from "../support/process/undo.ts";

/**
 * Every row of the corpus against real engines, so that schema and engine cannot disagree: what Sealift accepts starts and is read back;
 * what it refuses stops the engine from starting, or is refused by a policy that the row names. systemd starts the daemon, with iptables
 * and a bridge of its own, on a host without remains of the previous start.
 */
let on: ShellFunctions;
const undo = undoAfter();
let engines: readonly { readonly version: string; readonly built: boolean }[] = [];

/** One file for dockerd, of one row or of several that have no key in common. */
interface Start {
  readonly text: string;
  readonly readBack: readonly string[];
  readonly rows: readonly CorpusRow[];
}
interface StartOutcome {
  readonly runs: boolean;
  readonly words: string;
}

before(async () => {
  const { bundle } = await prepareLab("all");
  on = await startFunctions("daemon-corpus", container());
  undo(() => on.end());
  const verified = await verifyBundle(bundle.directory, { allowedSigners: bundle.allowedSigners });
  const shell = await readFile(new URL("../support/guests/daemon-starts.sh", import.meta.url), "utf8");
  await on.guest.exec("sudo -n tee /run/starts.sh", { input: shell });
  await on.root("mkdir -p /run/starts");
  // What is built from one source under two names is one engine.
  const built = bundle.engines.filter(({ origin }) => origin === "built from Go modules").slice(0, 1);
  const others = bundle.engines.filter(({ origin }) => origin !== "built from Go modules");
  engines = [...others, ...built].map(({ version, origin }) => ({
    version,
    built: origin === "built from Go modules",
  }));
  for (const { version } of engines) {
    const archive = verified.engine(version, architecture);
    assert.ok(archive !== undefined);
    const unpack = `sudo -n sh -c 'mkdir -p /opt/docker/${version}/bin && tar -xz --strip-components=1 -C /opt/docker/${version}/bin'`;
    await on.guest.exec(unpack, { input: await readFile(archive.path) });
  }
});

/** What the engine does with each file; the answers are in the order of the files. */
async function start(version: string, texts: readonly string[]): Promise<readonly StartOutcome[]> {
  const names = texts.map((_, index) => `${index}.json`);
  const files = texts.map(
    (text, index) => `cat >/run/starts/${names[index] ?? ""} <<'SEALIFT'\n${text}\nSEALIFT\n`,
  );
  const script = `. /run/starts.sh\nset -eu\n${files.join("")}starts_engine ${version}\nstarts_each <<'SEALIFT'\n${names.join("\n")}\nSEALIFT\n`;
  const { stdout, stderr, exitCode } = await on.guest.exec("sudo -n sh -s", { input: script });
  assert.equal(exitCode, 0, stderr);
  const outcome = stdout.split("\0").slice(0, -1);
  assert.equal(outcome.length, texts.length, stderr + stdout);
  return outcome.map((one) => {
    const [, status, ...words] = one.split("\t");
    return { runs: status === "runs", words: words.join("\t") };
  });
}

/** Keys that decide together about docker0: two rows with such keys are never in one file. */
const together =
  /^(bip6?|fixed-cidr(-v6)?|default-gateway(-v6)?|bridge|ipv6|ip6?tables|icc|ip|default-address-pools|experimental|firewall-backend|live-restore)$/;

function accepted(version: string): readonly Start[] {
  const groups: CorpusRow[][] = [];
  for (const row of corpus.accepted) {
    if (problemsOf(corpusText(row, version)).length > 0) continue;
    const fits = (group: readonly CorpusRow[]): boolean => {
      const merged = merge([...group, row]);
      const bridges = [...group, row].filter(({ daemon }) =>
        Object.keys(daemon).some((key) => together.test(key)),
      );
      return (
        merged !== undefined && bridges.length < 2 && problemsOf(corpusText(merged, version)).length === 0
      );
    };
    const group = groups.find(fits);
    if (group === undefined) groups.push([row]);
    else group.push(row);
  }
  return groups.map((rows) => startOf(rows, version));
}

/** Rows as one; undefined when two have the same key. */
function merge(rows: readonly CorpusRow[]): CorpusRow | undefined {
  const of = (section: "daemon" | "site"): [string, unknown][] =>
    rows.flatMap((row) => Object.entries(row[section] ?? {})).filter(([key]) => key !== "engine");
  const [daemon, site] = [of("daemon"), of("site")];
  const once = (entries: readonly [string, unknown][]): boolean =>
    new Set(entries.map(([key]) => key)).size === entries.length;
  if (!once(daemon) || !once(site)) return undefined;
  return { what: "several", daemon: Object.fromEntries(daemon), site: Object.fromEntries(site) };
}

function startOf(rows: readonly CorpusRow[], version: string): Start {
  const row = merge(rows);
  assert.ok(row !== undefined);
  const [host] = siteOf(corpusText(row, version)).hosts;
  assert.ok(host !== undefined);
  // A sandbox may not raise the limit of open files; nothing else of a row is changed.
  const files = "default-ulimits" in row.daemon ? {} : openFilesOf(on.guest);
  const daemon = { ...host.daemon, ...files };
  const { steps } = daemonPhase({ ...host, daemon });
  const call = (code: string): readonly string[] => steps.find((step) => step.code === code)?.call ?? [];
  return {
    text: `{\n${call("daemon.file").slice(1).join(",\n")}\n}`,
    readBack: call("daemon.running").slice(2),
    rows,
  };
}

/** What Sealift would have written if it had not refused the row. */
function refusedText(row: RefusedRow, version: string): string {
  const profile = (row.site?.["daemonProfile"] ?? "baseline") as DaemonProfile;
  const written = { "data-root": "/data/docker", ...row.daemon };
  const daemon = { ...withProfile(profile, { ...openFilesOf(on.guest), ...written }) };
  const store = imageStoreOf(daemon, version);
  return sortedJson({ ...imageStoreKeys(store), ...writtenAlways, ...daemon });
}

/** What docker info does not say, or why the daemon ended; undefined when all is right. */
function wrong(outcome: StartOutcome | undefined, { readBack }: Start): string | undefined {
  if (outcome?.runs !== true) return `ends: ${outcome?.words ?? "unheard"}`;
  const absent = readBack.filter((member) => !outcome.words.includes(member));
  return absent.length === 0 ? undefined : `docker info does not say ${absent.join(" ")}: ${outcome.words}`;
}

test("an accepted daemon.json starts every engine and is read back", async (t) => {
  for (const { version } of engines) {
    await t.test(`engine ${version}`, async () => {
      const starts = accepted(version);
      const outcome = await start(
        version,
        starts.map(({ text }) => text),
      );
      const failed = starts.filter((one, index) => wrong(outcome[index], one) !== undefined);
      // Which of several rows it was.
      const alone = failed.flatMap(({ rows }) => rows.map((row) => startOf([row], version)));
      const again =
        alone.length === 0
          ? []
          : await start(
              version,
              alone.map(({ text }) => text),
            );
      const reported = alone.flatMap((one, index) => {
        const problem = wrong(again[index], one);
        return problem === undefined ? [] : [`${one.rows[0]?.what ?? ""} ${problem}\n${one.text}`];
      });
      assert.deepEqual(reported, []);
      assert.deepEqual(failed, [], "rows that are right alone and wrong together");
    });
  }
});

test("a refused daemon.json stops the engine from starting, or its row names the policy that refuses it", async () => {
  const reported: string[] = [];
  for (const { version, built } of engines) {
    const rows = corpus.refused.filter((row) => {
      const problems = problemsOf(corpusText(row, version));
      // An engine that was built here knows more keys than the version that it calls itself by.
      const known = !built || problems.every(({ code }) => code !== "E_KEY_VERSION");
      return (row.site?.engine?.version ?? "28.5.2") === version && known && row.policy === undefined;
    });
    if (rows.length === 0) continue;
    const outcome = await start(
      version,
      rows.map((row) => refusedText(row, version)),
    );
    reported.push(
      ...rows.flatMap((row, index) =>
        outcome[index]?.runs === true
          ? [`${version} runs with ${row.what}: ${JSON.stringify(row.daemon)}`]
          : [],
      ),
    );
  }
  assert.deepEqual(reported, []);
});
