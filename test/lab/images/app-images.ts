/** The images of applications: PostgreSQL, MariaDB, Redis, nginx, and the shop in all its releases. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { existsSync } from "node:fs";
import type { Report } from "../../support/process/stages.ts";
import type { TarEntry } from "../../support/fixtures/tgz.ts";
import { digestOf } from "../../../offline-bundle/io/digest.ts";
import { cachePath } from "../cache.ts";
import { withLock } from "../lock.ts";
import { type Deb, downloadDebs } from "../packages/packages.ts";
import { builtProgram } from "../tools/built-program.ts";
import { entriesOf, withFolders } from "./deb-layer.ts";
import { type ContainerConfig, type Layer, writeImage, writeIndex, writeLayer } from "./image-layout.ts";
import { busybox, mariadb, nginx, type Part, postgres, redis } from "./packages.ts";

export interface AppImages {
  /** An OCI layout with all of them. */
  readonly layout: string;
  /** Full names. */
  readonly names: readonly string[];
}

/** What is wrong with a release of the shop, in the words of its program. */
const shopFaults: Readonly<Record<string, string>> = {
  "1.0.0": "",
  "1.1.0": "",
  "1.2.0": "never-healthy",
  "1.3.0": "dies",
};
export const shopReleases: readonly string[] = Object.keys(shopFaults);

const shopName = "docker.io/sealift/shop";
/** The names of the official images that these take the place of. */
const baseNames = {
  postgres: "docker.io/library/postgres:17",
  mariadb: "docker.io/library/mariadb:11.8",
  redis: "docker.io/library/redis:8.0",
  nginx: "docker.io/library/nginx:1.26",
} as const;
const names = [...Object.values(baseNames), ...shopReleases.map((release) => `${shopName}:${release}`)];

/**
 * Has the images; made once for the same packages and code.
 *
 * @throws {E_PACKAGES} @throws {E_DEBIAN_SOURCES} @throws {E_TOOL}
 */
export async function appImages(report: Report = () => undefined): Promise<AppImages> {
  const shop = await builtProgram(
    {
      folder: "shop",
      below: join("test", "lab", "images"),
      package: ".",
      flags: ["-ldflags", "-s -w"],
      program: "shop",
    },
    report,
  );
  const packages = [
    ...new Set([...postgres, ...mariadb, ...redis, ...nginx].flatMap((part) => part.packages)),
  ];
  const debs = await downloadDebs(packages, "trixie", cachePath("debs", "images"), report);
  const layout = cachePath("images", (await recipeOf(debs, shop)).slice(0, 16));
  const waiting = (): void => {
    report("waits for another run that makes the images");
  };
  await withLock("images", waiting, async () => {
    if (existsSync(layout)) return;
    // Those of an earlier recipe.
    await rm(cachePath("images"), { recursive: true, force: true });
    const part = `${layout}.part`;
    await mkdir(part, { recursive: true });
    await makeImages(part, debs, shop, report);
    await rename(part, layout);
  });
  return { layout, names };
}

async function recipeOf(debs: readonly Deb[], shop: string): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(debs.map(({ sha256 }) => sha256)));
  hash.update((await digestOf(shop)).sha256);
  const folder = import.meta.dirname;
  const files = (await readdir(folder)).filter((name) => /\.(ts|sh)$/.test(name));
  for (const name of files.toSorted()) hash.update(await readFile(join(folder, name)));
  return hash.digest("hex");
}

async function makeImages(layout: string, debs: readonly Deb[], shop: string, report: Report): Promise<void> {
  const layer = async (
    title: string,
    parts: readonly Part[],
    user: string,
    more: readonly TarEntry[],
  ): Promise<Layer> => {
    report(`makes the image of ${title}`);
    const entries = new Map(await entriesOf(parts, debs));
    for (const entry of [...machineFiles(user), ...more]) entries.set(entry.path, entry);
    return writeLayer(layout, withFolders(entries));
  };
  const manifests: object[] = [];
  const image = async (name: string, layers: readonly Layer[], config: ContainerConfig): Promise<void> => {
    manifests.push(await writeImage(layout, name, layers, { ...config, User: `${owner}:${owner}` }));
  };
  const data = (path: string): TarEntry => ({ path, directory: true, mode: 0o700, owner });
  await image(
    baseNames.postgres,
    [
      await layer("PostgreSQL", postgres, "postgres", [
        data("var/lib/postgresql/data/"),
        data("run/postgresql/"),
        await script("postgres-entrypoint.sh"),
      ]),
    ],
    {
      Env: [`PATH=/usr/lib/postgresql/17/bin:${searchPath}`, "PGDATA=/var/lib/postgresql/data/cluster"],
      Entrypoint: ["/usr/local/bin/postgres-entrypoint.sh"],
      Cmd: ["postgres"],
      Volumes: { "/var/lib/postgresql/data": {} },
      ExposedPorts: { "5432/tcp": {} },
      // Ends the sessions and then the server, where SIGTERM waits for clients.
      StopSignal: "SIGINT",
    },
  );
  await image(
    baseNames.mariadb,
    [
      await layer("MariaDB", mariadb, "mysql", [
        data("var/lib/mysql/"),
        data("run/mysqld/"),
        await script("mariadb-entrypoint.sh"),
      ]),
    ],
    {
      Env: [`PATH=${searchPath}`],
      Entrypoint: ["/usr/local/bin/mariadb-entrypoint.sh"],
      Cmd: ["mariadbd"],
      Volumes: { "/var/lib/mysql": {} },
      ExposedPorts: { "3306/tcp": {} },
    },
  );
  await image(baseNames.redis, [await layer("Redis", redis, "redis", [data("data/")])], {
    Env: [`PATH=${searchPath}`],
    Entrypoint: ["redis-server", "--protected-mode", "no"],
    Volumes: { "/data": {} },
    WorkingDir: "/data",
    ExposedPorts: { "6379/tcp": {} },
  });
  await image(
    baseNames.nginx,
    [
      await layer("nginx", nginx, "nginx", [
        { path: "etc/nginx/nginx.conf", mode: 0o644, content: await readFile(at("nginx.conf")) },
        { path: "etc/nginx/conf.d/", directory: true },
        data("var/log/nginx/"),
        data("var/lib/nginx/"),
      ]),
    ],
    {
      Env: [`PATH=${searchPath}`],
      Entrypoint: ["nginx", "-g", "daemon off;"],
      ExposedPorts: { "8080/tcp": {} },
      StopSignal: "SIGQUIT",
    },
  );
  const program = { path: "usr/local/bin/shop", file: shop, bytes: (await digestOf(shop)).bytes } as const;
  const shopLayers = [
    await layer("the shop", busybox, "shop", []),
    await writeLayer(layout, withFolders(new Map([[program.path, program]]))),
  ];
  for (const [release, fault] of Object.entries(shopFaults))
    await image(`${shopName}:${release}`, shopLayers, {
      Env: [
        `PATH=${searchPath}`,
        `SHOP_VERSION=${release}`,
        ...(fault === "" ? [] : [`SHOP_FAULT=${fault}`]),
      ],
      Entrypoint: ["shop"],
      Cmd: ["web"],
      ExposedPorts: { "8080/tcp": {} },
    });
  await writeIndex(layout, manifests);
}

/** Who runs the programs, in each image: as in the official image of PostgreSQL. */
const owner = 999;
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin";

/** What busybox does under a name of its own: enough for an entrypoint, a healthcheck and a look around. */
const commands = [
  ...[
    "cat",
    "chmod",
    "chown",
    "cp",
    "date",
    "env",
    "grep",
    "head",
    "id",
    "ls",
    "mkdir",
    "mv",
    "nc",
    "printf",
    "ps",
  ],
  ...[
    "rm",
    "sed",
    "sh",
    "sleep",
    "stat",
    "sync",
    "tail",
    "test",
    "touch",
    "tr",
    "true",
    "uname",
    "wget",
    "[",
  ],
];

/** What every image has besides its packages. */
function machineFiles(user: string): readonly TarEntry[] {
  const users = `root:x:0:0:root:/root:/bin/sh\n${user}:x:${owner}:${owner}:${user}:/tmp:/bin/sh\n`;
  const text = (path: string, content: string): TarEntry => ({ path, mode: 0o644, content });
  return [
    ...["bin", "sbin", "lib", "lib64"].map((path) => ({ path, target: `usr/${path}` })),
    ...["usr/sbin/", "usr/lib/", "usr/lib64/"].map((path): TarEntry => ({ path, directory: true })),
    ...commands.map((command) => ({ path: `usr/bin/${command}`, target: "busybox" })),
    text("etc/passwd", users),
    text("etc/group", `root:x:0:\n${user}:x:${owner}:\n`),
    text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    { path: "tmp/", directory: true, mode: 0o1777 },
    { path: "run/", directory: true },
    { path: "var/run", target: "../run" },
  ];
}

function at(file: string): string {
  return join(import.meta.dirname, file);
}

async function script(name: string): Promise<TarEntry> {
  return { path: `usr/local/bin/${name}`, content: await readFile(at(name)) };
}
