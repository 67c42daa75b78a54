import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { planText } from "../../modules/core/host/step.ts";
import { volumeSteps } from "../../modules/volumes/steps.ts";

/** The plan of volumes with every option that the example does not use. UPDATE_GOLDEN=1 records it again. */
test("plan text of volumes with all keys", () => {
  const steps = volumeSteps({
    users: [{ name: "deploy", uid: 1500, authorizedKeys: [] }],
    daemon: { "data-root": "/rest/docker" },
    volumes: {
      group: "vg0",
      disks: [{ id: "/dev/disk/by-id/scsi-a", serial: "S3Z9NX0M600001" }, { id: "/dev/disk/by-id/scsi-b" }],
      logicalVolumes: [
        { name: "home", size: "2TiB", mount: "/srv/de-ploy", owner: "deploy", mode: "0750", options: [] },
        { name: "rest", size: "100%FREE", mount: "/rest", options: ["noatime", "noexec", "nodev"] },
      ],
      journal: { mount: "/rest", maxUse: "2GiB", keepFree: "512MiB", maxRetentionDays: 90 },
    },
  });
  const text = planText("node-a", { name: "volumes", steps }, { serial: 7 });
  const file = new URL("plan-volumes-whole.txt", import.meta.url);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  assert.equal(text, readFileSync(file, "utf8"));
});

test("plan text of existing mounts, without a volume", () => {
  const steps = volumeSteps({
    users: [{ name: "deploy", uid: 1500, authorizedKeys: [] }],
    daemon: { "data-root": "/data/docker", "storage-opts": ["overlay2.size=20G"] },
    volumes: {
      group: "vg0",
      logicalVolumes: [],
      existing: [
        { mount: "/data", filesystem: "xfs", minFree: "50GiB" },
        { mount: "/home" },
        { mount: "/logs", filesystem: "ext4" },
      ],
      journal: { mount: "/logs", maxUse: "2GiB" },
    },
  });
  const text = planText("node-a", { name: "volumes", steps }, { serial: 7 });
  const file = new URL("plan-volumes-existing.txt", import.meta.url);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  assert.equal(text, readFileSync(file, "utf8"));
});
