/** How long an external registry may delay a host, whatever it answers: its time is computed, not waited for. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { libraryCall } from "../support/guests/library-call.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-channel-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const at = "registry.site:443";
const bytes = 65_536 * 10;
/** Two minutes, and ten seconds for the bytes. */
const bound = 130;

/** @param answer what the registry answers to each request, after all the time that the host gives it. @returns the seconds of each request. */
function requestTimes(answer: string): readonly number[] {
  const log = join(folder, "log");
  writeFileSync(log, "");
  libraryCall(
    join(folder, "bin"),
    `
SEALIFT_BLOBS=${folder}
clock() { awk '{ sum += $1 } END { print 1000 + sum }' ${log}; }
download_now() { download_sec=$(clock); }
web_curl() { cat >/dev/null; echo "$4" >>${log}; ${answer}; }
apply_downloaded_blob ${"0".repeat(64)} ${bytes} ${at} files/thing own - ${at}`,
  );
  return readFileSync(log, "utf8").trim().split("\n").map(Number);
}

test("a registry that keeps redirecting has the time limit of the bytes for everything, three times", () => {
  const hops = requestTimes(`printf '\\n307 https://${at}/next\\n'`);
  assert.ok(hops.length > 3, String(hops));
  const total = hops.reduce((sum, seconds) => sum + seconds, 0);
  assert.ok(total <= 3 * bound, String(hops));
});

test("a registry that asks for a token late delivers the bytes in the remaining time", () => {
  const requests = requestTimes(
    `case $2 in *token*) echo '{"token":"t"}' ;; *) printf 'www-authenticate: Bearer realm="https://${at}/token"\\n401 \\n' ;; esac`,
  );
  assert.deepEqual(requests.slice(0, 3), [60, 60, 10]);
  const total = requests.reduce((sum, seconds) => sum + seconds, 0);
  assert.ok(total <= 3 * bound, String(requests));
});
