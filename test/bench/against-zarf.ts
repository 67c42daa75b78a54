/** The same host files and images packed and checked by Zarf and by Sealift, in turns. */
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { architecture } from "../lab/bundle/engine.ts";
import { table } from "../support/process/table.ts";
import type { Material } from "./bundle-material.ts";
import { inSeconds, megabytes, times } from "./figures.ts";
import { type Command, inTurn, measured, type Run, sideBySide } from "./measured.ts";
import { verb, verbCommand } from "./sealift-verb.ts";
import { zarfVersion } from "./zarf.ts";
import { writeZarfPackage } from "./zarf-package.ts";

const runs = 3;

/** @param zarf path of the program. @returns lines to print. */
export async function againstZarf(material: Material, zarf: string): Promise<string> {
  const { folder, files, images, key } = material;
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const theirs = await zarfOver(material, zarf);
  const ours = sealiftOver(material);
  const bill = await sideBySide(runs, {
    zarf: () => theirs.create(),
    sealift: () => ours.build("with SBOM"),
  });
  const bare = await sideBySide(runs, {
    zarf: () => theirs.create("--skip-sbom"),
    sealift: () => ours.build(),
  });
  const file = await theirs.file();
  const check = await sideBySide(runs, {
    zarf: () => theirs.verify(file),
    sealift: () => verb("verify", ours.file, "--allowed-signers", key.allowedSigners),
  });
  const bytes = { zarf: (await stat(file)).size, sealift: (await stat(ours.file)).size };
  await rm(join(folder, "zarf-out"), { recursive: true });
  return [
    `The same ${files.length} host files (${megabytes(total)}) and ${images.length} images in one file, medians of ${runs}:`,
    table([
      ["what", `Zarf ${zarfVersion}`, "Sealift", "Zarf / Sealift"],
      ...[
        timeRow("create, without SBOM", bare),
        cpuRow("  CPU", bare),
        timeRow("create, with SBOM", bill),
        cpuRow("  CPU", bill),
        timeRow("verify", check),
        cpuRow("  CPU", check),
        ["bytes carried", megabytes(bytes.zarf), megabytes(bytes.sealift), times(bytes.zarf / bytes.sealift)],
        memoryRow("peak memory of create", bare),
        memoryRow("peak memory of verify", check),
      ],
    ]),
    "Sealift's is `build --archive`: it checks each file against its pin, makes the directory as well, and signs. Zarf's is unsigned,\nand its `verify` ends with that after all checksums.",
    "Zarf's SBOM is what Syft finds in files; Sealift's are CycloneDX and SPDX of what the lock pins, down to every member.",
  ].join("\n");
}

interface Pair {
  readonly zarf: Run;
  readonly sealift: Run;
}

function timeRow(what: string, { zarf, sealift }: Pair): readonly string[] {
  return [what, inSeconds(zarf), inSeconds(sealift), times(zarf.seconds / sealift.seconds)];
}

function cpuRow(what: string, { zarf, sealift }: Pair): readonly string[] {
  const of = ({ cpuSeconds }: Run): Run => ({ seconds: cpuSeconds, cpuSeconds, peakBytes: 0 });
  return timeRow(what, { zarf: of(zarf), sealift: of(sealift) });
}

function memoryRow(what: string, { zarf, sealift }: Pair): readonly string[] {
  const ratio = zarf.peakBytes / sealift.peakBytes;
  return [what, megabytes(zarf.peakBytes), megabytes(sealift.peakBytes), times(ratio)];
}

async function zarfOver(material: Material, program: string) {
  const { folder } = material;
  const out = join(folder, "zarf-out");
  const source = await writeZarfPackage(material);
  const command = (...args: readonly string[]): Command => ({
    program,
    args: ["package", ...args, "--no-color", "--log-level", "warn", "--tmpdir", folder],
    // A folder of its own for its cache, which it keeps from run to run as on a person's machine.
    env: { HOME: join(folder, "home") },
  });
  return {
    create: async (...flags: readonly string[]): Promise<Run> => {
      await rm(out, { recursive: true, force: true });
      await mkdir(out);
      return measured(command("create", source, "-o", out, "--confirm", "-a", architecture, ...flags));
    },
    // It checks all checksums first; then it fails because nobody has signed: its keys can only be made on a terminal.
    verify: (file: string): Promise<Run> =>
      measured({ ...command("verify", file), forgiven: /package is not signed/ }),
    file: async (): Promise<string> => join(out, (await readdir(out))[0] ?? ""),
  };
}

function sealiftOver({ folder, bundleFile, lockFile, key }: Material) {
  const directory = join(folder, "bundle");
  const file = join(folder, "bundle.tar.zst");
  const pins = ["--file", bundleFile, "--lock", lockFile];
  const bom = (format: string): Command =>
    verbCommand("sbom", directory, "--format", format, "-o", join(folder, `bundle.${format}.json`));
  return {
    file,
    build: async (sbom?: "with SBOM"): Promise<Run> => {
      await rm(directory, { recursive: true, force: true });
      await rm(file, { force: true });
      const build = verbCommand("build", directory, ...pins, "--key", key.file, "--archive", file);
      return inTurn([build, ...(sbom === undefined ? [] : [bom("cyclonedx"), bom("spdx")])]);
    },
  };
}
