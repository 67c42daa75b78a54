import assert from "node:assert/strict";
import { afterEach, before, describe, test } from "node:test";
import { vm } from "../lab/machine-choice.ts";
import { resizeData, type LabSite } from "../lab/pulumi/stack.ts";
import { startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Refusals because of the host's clock and disks. After each refusal the host must be as bare as before. */
describe("a clock or a disk for which a host is refused", () => {
  let site: SiteUnderTest;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("refusal-disks", vm("disks"));
    undo(() => site.end());
  });
  afterEach(async () => {
    const { exitCode } = await onHost(
      "! getent group docker && ! test -e /var/lib/sealift && ! test -e .sealift",
    );
    assert.equal(exitCode, 0, "the host was touched");
  });

  const onHost = (command: string): ReturnType<SiteUnderTest["guest"]["exec"]> => site.guest.exec(command);

  async function refused(message: RegExp, change?: (text: LabSite) => void): Promise<void> {
    await site.write(change);
    const { exitCode, output } = await site.up();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, message);
  }

  test("a wrong clock", async () => {
    await onHost("sudo date -s @$(($(date +%s) - 600))");
    await refused(
      /E_CLOCK preflight\.clock: found: the host's clock is \d+ s behind; expected: .*; fix: correct the clock/,
    );
    await onHost(`sudo date -s @${String(Math.floor(Date.now() / 1000))}`);
  });

  test("volumes larger than the disk", () =>
    refused(
      /E_DISK_TOO_SMALL volumes\.group: found: the volumes need 8192 MiB more, but vg0 has 8188 MiB; expected: volume group vg0 is on .*, with space for its volumes; fix: reduce the volume sizes/,
      resizeData("6GiB"),
    ));

  test("an absent disk", () =>
    refused(
      /E_DISK_ABSENT volumes\.group: found: no disk .*virtio-other, by-id has: virtio-lab-data; expected/,
      (text) =>
        Object.assign(text.hosts[0] ?? {}, { volumes: { disks: [{ id: "/dev/disk/by-id/virtio-other" }] } }),
    ));

  const contents: readonly [what: string, make: string, found: RegExp][] = [
    ["a file system", "mkfs.ext4 -q /dev/vdb", /contains a signature: ext4 0x438/],
    [
      "a partition table",
      `sh -c 'put() { printf "$1" | dd of=/dev/vdb bs=1 seek=$2 conv=notrunc,fsync status=none; }; put "\\203" 450; put "\\0\\010\\0\\0\\0\\0\\010\\0" 454; put "\\125\\252" 510; blockdev --rereadpt /dev/vdb; udevadm settle'`,
      /is in use: vdb disk *,vdb1 part/,
    ],
    [
      "another volume group",
      "sh -c 'vgcreate -q other /dev/vdb >/dev/null'",
      /is a physical volume of group other/,
    ],
    [
      "a physical volume of nobody",
      "sh -c 'pvcreate -q /dev/vdb >/dev/null'",
      /contains a signature: LVM2_member/,
    ],
    [
      "data without a signature at its start",
      "dd if=/dev/urandom of=/dev/vdb bs=512 count=1 seek=99 conv=fsync status=none",
      /contains data without a known signature, first found at byte 0/,
    ],
    [
      "data without a signature at its end",
      "sh -c 'dd if=/dev/urandom of=/dev/vdb bs=512 count=1 conv=fsync status=none seek=$(( $(blockdev --getsz /dev/vdb) - 3 ))'",
      /first found at byte \d{10}/,
    ],
  ];
  for (const [what, make, found] of contents) {
    test(`a disk that contains ${what}`, async () => {
      const made = await onHost(`sudo ${make}`);
      assert.equal(made.exitCode, 0, made.stderr);
      await refused(
        new RegExp(`E_DISK_IN_USE volumes\\.group: found: .*${found.source}.*; fix: use another disk`),
      );
      // Only what this test itself has put there.
      const cleared = await onHost(
        "sudo sh -c 'vgremove -qff other >/dev/null 2>&1; pvremove -qff /dev/vdb >/dev/null 2>&1; wipefs -qa /dev/vdb; blkdiscard -f /dev/vdb; dd if=/dev/zero of=/dev/vdb bs=1M count=8 conv=fsync status=none; udevadm settle'",
      );
      assert.equal(cleared.exitCode, 0, cleared.stderr);
    });
  }
});
