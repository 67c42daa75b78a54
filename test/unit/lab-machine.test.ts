/** Arguments of the lab for QEMU and cloud-init: the parts that cannot be tried on a machine without that processor or image. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { machineKind } from "../lab/machine-kind.ts";
import { type Machine, qemuArguments } from "../lab/vm/qemu.ts";
import { cloudInitFiles } from "../lab/vm/cloud-init.ts";

function machine(architecture: string): Machine {
  const kind = machineKind(architecture);
  const root = { id: "root", file: "root.qcow2", format: "qcow2", bus: kind.rootBus, addr: "0x4" } as const;
  return { kind, accelerator: "tcg", disks: [root], port: 2222 };
}

for (const architecture of ["x64", "arm64"]) {
  test(`${architecture}: the network is restricted, and the only way in is on loopback`, () => {
    const args = qemuArguments(machine(architecture));
    const networks = args.filter((_, at) => args[at - 1] === "-netdev");
    assert.deepEqual(networks, ["user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22"]);
  });

  test(`${architecture}: an image with a boot loader gets no kernel, one without gets its own`, () => {
    assert.ok(!qemuArguments(machine(architecture)).includes("-kernel"));
    const direct = qemuArguments({ ...machine(architecture), direct: { kernel: "k", initrd: "i" } });
    assert.deepEqual(direct.slice(direct.indexOf("-kernel"), direct.indexOf("-append")), [
      "-kernel",
      "k",
      "-initrd",
      "i",
    ]);
    assert.ok(!direct.includes("-bios"));
  });
}

test("arm64 boots cloud images with UEFI", () => {
  const args = qemuArguments(machine("arm64"));
  assert.match(args[args.indexOf("-bios") + 1] ?? "", /QEMU_EFI\.fd$/);
});

test("another processor is refused by name", () => {
  assert.throws(() => machineKind("riscv64"), /no machine for riscv64/);
});

const keys = { publicKey: "ssh-ed25519 LOGIN", hostKey: "ssh-ed25519 HOST" };

test("the cloud-init data contains the user, its key and the pinned host key, and no password", () => {
  const made = cloudInitFiles("ops", keys, "PRIVATE\nKEY\n");
  assert.match(made["user-data"], /^#cloud-config\n/);
  const config = parse(made["user-data"]) as Record<string, unknown>;
  assert.deepEqual(config["users"], [
    {
      name: "ops",
      sudo: "ALL=(ALL:ALL) NOPASSWD: ALL",
      shell: "/bin/bash",
      lock_passwd: true,
      ssh_authorized_keys: ["ssh-ed25519 LOGIN"],
    },
  ]);
  assert.deepEqual(config["ssh_keys"], {
    ed25519_private: "PRIVATE\nKEY\n",
    ed25519_public: "ssh-ed25519 HOST",
  });
  assert.equal(config["ssh_pwauth"], false);
});

test("another host key is another instance, so that cloud-init applies it", () => {
  const of = (hostKey: string): string => cloudInitFiles("ops", { ...keys, hostKey }, "k")["meta-data"];
  assert.equal(of("a"), of("a"));
  assert.notEqual(of("a"), of("b"));
});
