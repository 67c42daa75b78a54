/** Which machines a test file starts, and how much of this machine they take. */
import { existsSync } from "node:fs";

/** Virtual machines and containers are waited for apart: a few long tests of one kind must not keep the other's from running. */
export type Lane = "local" | "container" | "vm";

/** Memory of one machine with what its test runs beside it (Pulumi, its program, ssh). */
export const gigabytes = { vm: 2, container: 0.7, local: 0.5 } as const;

/** Files that run several machines at a time, and how many. */
const several: Readonly<Record<string, number>> = {
  "test/e2e/doctor.test.ts": 2,
  "test/e2e/from-the-bundle.test.ts": 2,
  "test/e2e/guest.test.ts": 2,
  "test/e2e/rollout.test.ts": 2,
  "test/e2e/registry.test.ts": 3,
  "test/e2e/swarm.test.ts": 3,
  "test/e2e/swarm-upgrade.test.ts": 3,
  "test/e2e/swarm-shop.test.ts": 3,
  "test/long/swarm-cluster.test.ts": 3,
  "test/long/swarm-five.test.ts": 5,
  "test/long/swarm-deploy-cut.test.ts": 3,
  "test/guest/swarm-member.test.ts": 2,
  "test/guest/swarm-paths.test.ts": 3,
  "test/guest/swarm-autolock.test.ts": 3,
  "test/guest/swarm-drain.test.ts": 3,
  "test/e2e/registry-external.test.ts": 2,
  "test/long/apps-fleet.test.ts": 3,
  "test/long/backup-lost-host.test.ts": 2,
  "test/long/swarm-killed.test.ts": 3,
  "test/long/swarm-clock.test.ts": 2,
  "test/long/swarm-data-plane.test.ts": 2,
  "test/long/swarm-backup.test.ts": 3,
};

/** Files of {@link several}, for the test that they are there. */
export const filesWithSeveral: readonly string[] = Object.keys(several);

/** Whether this run is to have virtual machines only. */
export function onlyVirtualMachines(): boolean {
  return process.env["SEALIFT_LAB_MACHINES"] === "vm" || (process.env["SEALIFT_LAB_IMAGE"] ?? "") !== "";
}

/**
 * The lane of a file whose part starts machines.
 *
 * @param text of the file: it is for virtual machines when it asks for one by name.
 */
export function laneOf(text: string, onlyVms: boolean = onlyVirtualMachines()): Lane {
  return onlyVms || /\bvm\("/.test(text) ? "vm" : "container";
}

/**
 * GB of memory that a file takes while it runs.
 *
 * @param kvm where it works, what could be a container is a virtual machine.
 */
export function memoryOf(path: string, lane: Lane, kvm: boolean = existsSync("/dev/kvm")): number {
  if (lane === "local") return gigabytes.local;
  return (kvm ? gigabytes.vm : gigabytes[lane]) * (several[path] ?? 1);
}
