/** The facts of volumes that Sealift makes. */
import { vm } from "../lab/machine-choice.ts";
import { breakEachFact } from "../support/each-fact.ts";

breakEachFact({
  name: "each-fact-volumes",
  machine: vm("lvm"),
  of: ["volumes"],
  breakages: {
    "volumes.logs.filesystem": {
      command:
        "systemctl stop logs.mount && e2fsck -fp /dev/vg0/logs && resize2fs /dev/vg0/logs 200M && systemctl start logs.mount",
    },
    "volumes.svc.mount": { command: "systemctl disable --now svc.mount" },
  },
  elsewhere: {
    "volumes.group": "test/guest/volumes*.test.ts",
    "volumes.svc": "test/guest/volumes*.test.ts",
    "volumes.logs": "test/guest/volumes*.test.ts",
    "volumes.data": "line.test.ts: growth and shrink",
    "volumes.svc.filesystem": "the same fact as that of logs",
    "volumes.data.filesystem": "line.test.ts: growth",
    "volumes.logs.mount": "line.test.ts",
    "volumes.data.mount": "faults.test.ts",
  },
});
