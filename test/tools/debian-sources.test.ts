import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { cachePath } from "../lab/cache.ts";
import { debianSources, machineHasSuite } from "../lab/packages/debian-sources.ts";

const architecture = process.arch === "arm64" ? "arm64" : "amd64";
const machine = process.env["APT_CONFIG"];
let folder: string;

beforeEach(() => {
  mkdirSync(cachePath("test"), { recursive: true });
  folder = mkdtempSync(cachePath("test", "sources-"));
});
afterEach(() => {
  if (machine === undefined) delete process.env["APT_CONFIG"];
  else process.env["APT_CONFIG"] = machine;
  delete process.env["SEALIFT_DEBIAN_MIRROR"];
  rmSync(folder, { recursive: true });
});

test("uses the machine's Debian archive for another suite, and neither security nor third-party archives", async () => {
  useApt({
    deb822: [
      "Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: main contrib",
      "Types: deb\nURIs: http://mirror.test/debian-security\nSuites: bookworm-security\nComponents: main",
    ],
    lines: ["deb http://vendor.test/debian bookworm main"],
    releases: {
      "mirror.test_debian_dists_bookworm": "Debian",
      "mirror.test_debian-security_dists_bookworm-security": "Debian",
      "vendor.test_debian_dists_bookworm": "Vendor",
    },
  });
  const sources = await debianSources("trixie");
  assert.deepEqual(sources.uris, ["http://mirror.test/debian"]);
  assert.deepEqual(sources.lines, [
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.test/debian trixie main",
  ]);
});

test("goes by the names before the first update", async () => {
  useApt({
    lines: ["deb http://mirror.test/debian/ bookworm main", "deb http://vendor.test/apt stable main"],
  });
  assert.deepEqual((await debianSources("sid")).uris, ["http://mirror.test/debian"]);
  assert.equal(await machineHasSuite("bookworm"), true);
  assert.equal(await machineHasSuite("bookworm-backports"), false);
});

test("says what to do on a machine without any (Ubuntu), and uses a given mirror", async () => {
  useApt({
    lines: ["deb http://mirror.test/ubuntu noble main universe"],
    releases: { "mirror.test_ubuntu_dists_noble": "Ubuntu" },
  });
  await assert.rejects(debianSources("trixie"), (error: Error) => {
    assert.equal(
      error.message,
      "this machine: E_DEBIAN_SOURCES Debian trixie: found: no Debian archive among apt's sources; " +
        "expected: an archive from which the lab guest's packages come; fix: set SEALIFT_DEBIAN_MIRROR to the address of a " +
        "Debian mirror (the folder that holds dists/)",
    );
    return true;
  });
  process.env["SEALIFT_DEBIAN_MIRROR"] = "http://given.test/debian";
  assert.deepEqual((await debianSources("trixie")).uris, ["http://given.test/debian"]);
});

interface Sources {
  readonly deb822?: readonly string[];
  readonly lines?: readonly string[];
  /** Name of a release's file, as apt makes it from the address, and its origin: what an update has left. */
  readonly releases?: Readonly<Record<string, string>>;
}

/** The real apt with sources and lists of our own, in the way apt.conf(5) gives: APT_CONFIG is read before all else. */
function useApt({ deb822 = [], lines = [], releases = {} }: Sources): void {
  for (const part of ["lists/partial", "parts"]) mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, "parts", "debian.sources"), deb822.join("\n\n"));
  writeFileSync(join(folder, "sources.list"), `${lines.join("\n")}\n`);
  for (const [name, origin] of Object.entries(releases)) {
    const empty = `${"0".repeat(64)} 0 main/binary-${architecture}/Packages`;
    const text = `Origin: ${origin}\nSuite: any\nCodename: any\nSHA256:\n ${empty}\n`;
    writeFileSync(join(folder, "lists", `${name}_Release`), text);
    writeFileSync(join(folder, "lists", `${name}_main_binary-${architecture}_Packages`), "");
  }
  const settings = {
    "Dir::Etc::sourcelist": join(folder, "sources.list"),
    "Dir::Etc::sourceparts": join(folder, "parts"),
    "Dir::State::lists": join(folder, "lists"),
  };
  const text = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  writeFileSync(join(folder, "apt.conf"), text.join(""));
  process.env["APT_CONFIG"] = join(folder, "apt.conf");
}
