/** What the images of a host's applications say of their databases, read from a verified bundle. */
import type { Bundle } from "../../offline-bundle/oci/layout.ts";
import { hexOf } from "../../offline-bundle/oci/manifests.ts";
import { isRecord, jsonOf } from "../../offline-bundle/io/json.ts";
import { limits } from "../../offline-bundle/io/limits.ts";
import { readRegular } from "../../offline-bundle/io/regular-file.ts";
import type { HostApp, HostFiles } from "../core/host/blob.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import { databaseOf } from "./databases.ts";

type Content = Pick<Bundle, "tree" | "blobPath">;

/** The same files, with the databases of the applications. */
export async function withDatabases(
  files: HostFiles,
  { architecture }: Pick<HostSpec, "architecture">,
  bundle: Content,
): Promise<HostFiles> {
  const { apps } = files;
  if (apps === undefined || apps.length === 0) return files;
  return { ...files, apps: await Promise.all(apps.map(withOwn)) };

  async function withOwn(app: HostApp): Promise<HostApp> {
    const found = await Promise.all(
      app.project.services.map(async ({ name: service, image }) => {
        const sha256 = app.images.find(({ name }) => name === image)?.sha256 ?? "";
        const database = databaseOf(image, await knownEnvironment(sha256, architecture, bundle));
        return database === undefined ? [] : [{ service, ...database }];
      }),
    );
    const databases = found.flat();
    return databases.length === 0 ? app : { ...app, databases };
  }
}

/** Many hosts run the same images: each is read once. */
function knownEnvironment(sha256: string, architecture: string, bundle: Content): Promise<readonly string[]> {
  const known = environments.get(bundle) ?? new Map<string, Promise<readonly string[]>>();
  environments.set(bundle, known);
  const key = `${architecture} ${sha256}`;
  const read = known.get(key) ?? environmentOf(sha256, architecture, bundle);
  known.set(key, read);
  return read;
}

const environments = new WeakMap<Content, Map<string, Promise<readonly string[]>>>();

/** The variables of an image; none of one that cannot be read, because its name may still say what it is. */
async function environmentOf(
  sha256: string,
  architecture: string,
  { tree, blobPath }: Content,
): Promise<readonly string[]> {
  const top = tree.manifests.get(sha256)?.manifest;
  const own = top?.manifests?.find(
    ({ platform }) => platform?.os === "linux" && platform.architecture === architecture,
  );
  const leaf = own === undefined ? top : tree.manifests.get(hexOf(own.digest))?.manifest;
  if (leaf?.config === undefined) return [];
  const text = await readRegular(blobPath(hexOf(leaf.config.digest)), limits.manifest, "refuse").catch(
    () => undefined,
  );
  const config = text === undefined ? undefined : jsonOf(text);
  const inner = isRecord(config) ? config["config"] : undefined;
  const environment = isRecord(inner) ? inner["Env"] : undefined;
  return Array.isArray(environment) ? environment.filter((one) => typeof one === "string") : [];
}
