/** What every CycloneDX 1.6 text has to be. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";

/** CycloneDX's own, as its JavaScript library carries it. */
export async function cycloneDxSchema(): Promise<ReturnType<Ajv["compile"]>> {
  const library = createRequire(import.meta.url).resolve("@cyclonedx/cyclonedx-library/package.json");
  const read = async (name: string): Promise<object> =>
    JSON.parse(await readFile(join(dirname(library), "res", "schema", name), "utf8")) as object;
  // Formats are for people here; the patterns beside them are checked.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema(
    await read("spdx.SNAPSHOT.schema.json"),
    "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json",
  );
  ajv.addSchema(
    await read("jsf-0.82.SNAPSHOT.schema.json"),
    "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
  );
  return ajv.compile(await read("bom-1.6.SNAPSHOT.schema.json"));
}
