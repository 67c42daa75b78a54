/** `npm run demo -- --site`: three hosts in a room of their own. One is sent the bundle, the others take all they need from it. */
import { size } from "../../cli/columns.ts";
import { table } from "../support/table.ts";
import { inSeconds } from "../support/stage-view.ts";
import { startAgent } from "./agent.ts";
import { imageElsewhere } from "./bundle.ts";
import type { Guest } from "./guest.ts";
import { container } from "./machine-choice.ts";
import { prepareLab, type Lab } from "./prepare.ts";
import { pulumiEnv } from "./pulumi-env.ts";
import { freshStack } from "./pulumi.ts";
import { received, type Received } from "./segment-bytes.ts";
import { segmentSite, startSegment } from "./segment-site.ts";
import { type Row, shownOnHost, shownPulumi, timed } from "./shown.ts";
import { labUser, writeStack } from "./stack.ts";
import { keepTranscript } from "./transcript.ts";

export const siteStack = "lab-site";
const names = ["store", "node-a", "node-b"] as const;

export async function demoSite(): Promise<void> {
  const lab = await prepareLab("registry");
  const rows: Row[] = lab.times.map(({ title, seconds }) => [title, inSeconds(seconds)]);
  const guests = await timed(rows, "three pristine containers run on a segment without a way out", () =>
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
    const summary = `What is now true, and what each part took\n\n${table(rows)}\n\nWhat the first pulumi up carried, as the hosts' cards counted it\n\n${table(carried)}`;
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
  const title = "From three bare machines to a registry and two hosts that it feeds";
  await timed(rows, "a registry, and two Docker hosts that it has fed", () =>
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
    shownPulumi(env, "The same again: nothing to do", [...up, "--expect-no-changes"], { kept: "site-again" }),
  );
  return guests.map(({ name }, index) => {
    const carried = (way: keyof Received): string =>
      size((after[index]?.[way] ?? 0) - (before[index]?.[way] ?? 0));
    return [name, `${carried("operator")} from the operator`, `${carried("segment")} from other hosts`];
  });
}
