/** A site of one host that runs the shop of the examples, with its secret, from the lab's bundle for applications. */
import assert from "node:assert/strict";
import { labUser, type LabSite } from "../../lab/pulumi/stack.ts";
import { useTools } from "../../lab/tools/ensure-tools.ts";
import { makeAppSecrets } from "./app-secrets.ts";
import { siteMachine, startSite, type SiteUnderTest } from "./site-under-test.ts";

export interface ShopSite {
  readonly site: SiteUnderTest;
  /** Writes the site with this version of the shop. */
  readonly write: (version: string, change?: (text: LabSite, app: ShopEntry) => void) => Promise<void>;
  /** `docker …` on the host, as a person in its group. */
  readonly docker: (command: string) => Promise<string>;
  readonly root: (command: string) => Promise<string>;
  /** What the shop answers, once it does. */
  readonly visit: (path?: string) => Promise<string>;
  /** Names and ids of the containers of the shop. */
  readonly containers: () => Promise<ReadonlyMap<string, string>>;
  readonly end: () => Promise<void>;
}

/** The shop in the site. */
interface ShopEntry {
  readonly values: Record<string, string>;
  readonly update: Record<string, string>;
}

/** Content of the secret of its database. */
export const shopPassword = "not-to-be-guessed-7f3a";

export async function startShopSite(name: string): Promise<ShopSite> {
  await useTools();
  const site = await startSite(name, siteMachine, "apps");
  const secrets = await makeAppSecrets(name);
  const { recoveryKey } = secrets;
  const secret = await secrets.seal("db", shopPassword, [site.guest]);
  const docker = (command: string): Promise<string> => site.onHost(`docker ${command}`, labUser);
  return {
    site,
    docker,
    root: (command) => site.onHost(`sudo -n sh -c '${command}'`),
    write: (version, change = () => undefined) =>
      site.write((text) => {
        text.daemon["features"] = { "containerd-snapshotter": true };
        Reflect.deleteProperty(text.daemon, "storage-driver");
        Object.assign(text.engine, { compose: site.lab.bundle.plugins.compose });
        const app = {
          ...{ name: "shop", version, values: { SHOP_GREETING: "Good day" } },
          secrets: { db_password: { file: secret, owner: "999:999", mode: "0444" } },
          update: { monitor: "10s", timeout: "2m" },
        };
        Object.assign(text, { secrets: { age: site.lab.bundle.age, recoveryKey }, apps: [app] });
        change(text, app);
      }),
    visit: (path = "") =>
      site.onHost(`curl -fsS --retry 20 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/${path}`),
    containers: async () => {
      const format = "--all --format '{{.Names}}|{{.ID}}' --filter label=com.docker.compose.project=shop";
      const lines = (await docker(`ps ${format}`)).split("\n").filter((line) => line !== "");
      return new Map(lines.map((line) => line.split("|") as [string, string]));
    },
    end: async () => {
      await site.end();
      await secrets.end();
    },
  };
}

/** Runs `pulumi up`, which has to end with 0; its output. */
export async function upOf(site: SiteUnderTest, ...more: readonly string[]): Promise<string> {
  const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", ...more);
  assert.equal(exitCode, 0, output);
  return output;
}
