/** `npm run demo -- --backup`: a shop and a store from bare machines, a backup, a restore, and a rehearsal of it. */
import { backupSite, shopData } from "../../support/guests/backup-site.ts";
import { inSeconds } from "../../support/process/stage-view.ts";
import { table } from "../../support/process/table.ts";
import { labUser } from "../pulumi/stack.ts";
import { keptOnHost, type Row, shownHere, shownOnHost, shownPulumi, timed } from "./demo-output.ts";
import { keepTranscript } from "./transcript.ts";

const host = "shop-host";
export const backupStack = `lab-${host}`;

const up = ["up", "--stack", backupStack, "--yes", "--skip-preview"];
const facts = /^ {4}(backup|store|rehearsal)\.|^ {2}command:.*-(backup|store|rehearsal)-run\)|to create$/;
const work = /-(backup|store|rehearsal)-run created|^ {4}\+ \d+ |^Duration/;
const visit = "curl -fsS --retry 30 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/";

export async function demoBackup(): Promise<void> {
  const shop = await backupSite(host);
  const { guest, env, lab } = shop.site;
  const rows: Row[] = lab.times.map(({ title, seconds }) => [title, inSeconds(seconds)]);
  try {
    await shop.write("1.0.0");
    await timed(rows, "the preview lists what the two bare machines need", () =>
      shownPulumi(env, "The preview", ["preview", "--stack", backupStack], {
        kept: "backup-preview",
        lines: facts,
      }),
    );
    await timed(rows, "one run: a store, a shop, its first backup, and a rehearsed restore", () =>
      shownPulumi(env, "From two bare machines to a shop with a backup", up, {
        kept: "backup-up",
        lines: work,
      }),
    );
    await timed(rows, "a second run changes nothing", () =>
      shownPulumi(env, "The same run again", [...up, "--expect-no-changes"], {
        kept: "backup-again",
        lines: /unchanged|^Duration/,
      }),
    );
    await timed(rows, "two visits, a backup, and two more visits", async () => {
      for (let at = 0; at < 2; at++) await shownOnHost(guest, visit, labUser);
      await keptOnHost(guest, "backup-made", [
        "sudo systemctl start sealift-backup-shop.service",
        "sudo cat /var/lib/sealift/backup/shop/last",
        "systemctl list-timers --all --no-legend 'sealift-backup-*'",
      ]);
      for (let at = 0; at < 2; at++) await shownOnHost(guest, visit, labUser);
    });
    await timed(rows, "the database is lost", async () => {
      await shownOnHost(guest, "docker stop shop-database-1", labUser);
      await shownOnHost(guest, `sudo find ${shopData} -type f -exec truncate -s 0 {} +`);
    });
    await timed(rows, "sealift restore puts it back, as it was at the backup", async () => {
      await shownHere(`npx sealift restore ${backupStack} shop --list`, "backup-list", env);
      await shownHere(
        `npx sealift restore ${backupStack} shop --from latest --confirm shop`,
        "backup-restore",
        env,
      );
      await keptOnHost(guest, "backup-restored", [visit, `sudo sh -c "ls -d ${shopData}*"`]);
    });
    await timed(rows, "the restore is rehearsed on the store", async () => {
      await keptOnHost(shop.store, "backup-rehearsal", [
        "sudo systemctl start sealift-rehearsal-shop.service",
        "sudo journalctl --no-pager -o cat -n 12 -u sealift-rehearsal-shop.service",
        "sudo /opt/docker/current/bin/docker ps --all --quiet | wc -l",
      ]);
      await shownHere(`npx sealift status ${backupStack}`, "backup-status", env);
    });
  } finally {
    await shop.end();
  }
  const summary = `Results, and the time of each step\n\n${table(rows)}`;
  console.log(`\n${summary}`);
  keepTranscript("backup-summary", summary);
}
