/** `npm run demo -- --site`: three hosts on an isolated segment. One receives the bundle; the others fetch everything from its registry. */
import { size } from "../../../cli/output/columns.ts";
import { table } from "../../support/process/table.ts";
import { inSeconds } from "../../support/process/stage-view.ts";
import { startAgent } from "../agent.ts";
import { imageElsewhere } from "../bundle/bundle.ts";
import type { Guest } from "../guest.ts";
import { container } from "../machine-choice.ts";
import { prepareLab, type Lab } from "../prepare.ts";
import { pulumiEnv } from "../pulumi/pulumi-env.ts";
import { freshStack } from "../pulumi/pulumi.ts";
import { received, type Received } from "./segment-bytes.ts";
import { segmentSite, startSegment } from "./segment-site.ts";
import { type Row, shownOnHost, shownPulumi, timed } from "./demo-output.ts";
import { labUser, writeStack } from "../pulumi/stack.ts";
import { keepTranscript } from "./transcript.ts";

export const siteStack = "lab-site";
const names = ["store", "node-a", "node-b"] as const;

export async function demoSite(): Promise<void> {
  const lab = await prepareLab("registry");
  const rows: Row[] = lab.times.map(({ title, seconds }) => [title, inSeconds(seconds)]);
  const guests = await timed(rows, "three new containers run on an isolated network segment", () =>
    startSegment(names, container("/registry", "/data")),
  );
  const agent = await startAgent(guests[0]?.identityFile ?? "");
  try {
    const env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
    const { kind, origin } = lab.tools.commandPlugin;
    console.log(`\nCommand plugin of this run: ${kind} (${origin})`);
    await writeStack(siteStack, await segmentSite(guests, lab.bundle, 1));
    await freshStack(siteStack, env);
    const carried = await prove(lab, guests, env, rows);
    const summary = `Results, and the time of each step\n\n${table(rows)}\n\nBytes that each host received during the first pulumi up\n\n${table(carried)}`;
    console.log(`\n${summary}`);
    keepTranscript("site-summary", summary);
  } finally {
    await agent.stop();
    await Promise.all(guests.map((guest) => guest.stop()));
  }
}

/** @returns bytes by way and host. */
async function prove(
  lab: Lab,
  guests: readonly Guest[],
  env: Readonly<Record<string, string>>,
  rows: Row[],
): Promise<readonly string[][]> {
  const up = ["up", "--stack", siteStack, "--yes", "--skip-preview"];
  const before = await Promise.all(guests.map(received));
  const title = "From three bare machines to a registry host and two hosts that pull from it";
  await timed(rows, "a registry host, and two Docker hosts supplied by it", () =>
    shownPulumi(env, title, up, { kept: "site-up" }),
  );
  const after = await Promise.all(guests.map(received));
  for (const guest of guests.slice(1)) {
    const fact = `${guest.name} runs images of two registries under their own names`;
    await timed(rows, fact, async () => {
      console.log(`\n== Containers on ${guest.name}, run by ${labUser} over ssh`);
      for (const image of [lab.bundle.image, imageElsewhere])
        await shownOnHost(guest, `docker run --rm ${image} echo "hello from ${image}"`, labUser);
    });
  }
  await timed(rows, "a second run changes nothing", () =>
    shownPulumi(env, "The same run again: nothing to do", [...up, "--expect-no-changes"], {
      kept: "site-again",
    }),
  );
  return guests.map(({ name }, index) => {
    const carried = (way: keyof Received): string =>
      size((after[index]?.[way] ?? 0) - (before[index]?.[way] ?? 0));
    return [name, `${carried("operator")} from the operator`, `${carried("segment")} from other hosts`];
  });
}
