/**
 * What a package is needed for: the guest, a container as a guest, its image, a cloud image's cloud-init disk, the loopback sshd of tests, lint of shell, bundles,
 * the page of a receipt, where Pulumi's state lives, the benchmarks of bundles and of a fleet.
 */
export type Need =
  | "guest"
  | "container"
  | "image"
  | "cloud-init"
  | "ssh"
  | "sshd"
  | "lint"
  | "bundle"
  | "page"
  | "state"
  | "bench"
  | "fleet";

export interface NeededPackage {
  /** Debian's and Ubuntu's name. */
  readonly package: string;
  readonly why: string;
  readonly for: readonly Need[];
  /** A program of it (looked for in PATH and the sbin folders), or the absolute path of a file. */
  readonly has: string;
  /** Lowest major version that `<program> --version` may say. */
  readonly atLeast?: number;
}

const arm = process.arch === "arm64";

/**
 * The one list of packages. QEMU below 10 is refused where a newer one can be had: 7.2 emulates cmpxchg16b wrongly and its
 * guests die at random (measured with bookworm's 7.2 and -smp 2; 10.0.2 of bookworm-backports is sound).
 */
const packages: readonly NeededPackage[] = [
  {
    package: arm ? "qemu-system-arm" : "qemu-system-x86",
    why: "runs the lab's guests",
    for: ["guest"],
    has: arm ? "qemu-system-aarch64" : "qemu-system-x86_64",
    atLeast: 10,
  },
  { package: "qemu-utils", why: "makes the guests' disks", for: ["guest"], has: "qemu-img", atLeast: 10 },
  {
    package: "systemd-container",
    why: "runs system containers",
    for: ["container"],
    has: "systemd-nspawn",
  },
  { package: "xfsprogs", why: "makes the containers' file systems", for: ["container"], has: "mkfs.xfs" },
  { package: "iproute2", why: "wires the containers' networks", for: ["container"], has: "ip" },
  { package: "mmdebstrap", why: "builds the guest image", for: ["image"], has: "mmdebstrap" },
  { package: "e2fsprogs", why: "builds the guest image", for: ["image"], has: "mke2fs" },
  {
    package: "debian-archive-keyring",
    why: "checks Debian's signatures",
    for: ["image", "bundle"],
    has: "/usr/share/keyrings/debian-archive-keyring.gpg",
  },
  { package: "xz-utils", why: "unpacks packages", for: ["image", "bundle"], has: "xz" },
  {
    package: "dosfstools",
    why: "creates the cloud-init disk of a cloud image",
    for: ["cloud-init"],
    has: "mkfs.vfat",
  },
  { package: "mtools", why: "fills the cloud-init disk of a cloud image", for: ["cloud-init"], has: "mcopy" },
  { package: "gpgv", why: "checks signatures of publishers", for: ["bundle"], has: "gpgv" },
  { package: "gpg", why: "is a publisher in tests, and signs", for: ["bundle"], has: "gpg" },
  { package: "openssh-client", why: "reaches the guests, signs bundles", for: ["ssh", "bundle"], has: "ssh" },
  {
    package: "openssh-server",
    why: "an sshd on loopback for tests (Debian starts its ssh service too)",
    for: ["sshd"],
    has: "sshd",
  },
  {
    package: "postgresql",
    why: "keeps Pulumi's state in a test (Debian makes a cluster of its own, too)",
    for: ["state"],
    has: "/usr/share/postgresql-common/pg_wrapper",
  },
  {
    package: "ansible-core",
    why: "runs beside Sealift in the benchmark of a fleet",
    for: ["fleet"],
    has: "ansible-playbook",
  },
  { package: "chromium", why: "shows the page of a receipt", for: ["page"], has: "chromium" },
  { package: "time", why: "tells how much memory a program took", for: ["bench"], has: "time" },
  { package: "shellcheck", why: "checks the shell files", for: ["lint"], has: "shellcheck" },
];

/** What only one test or benchmark needs, and asks for by name. */
const byName: readonly Need[] = ["page", "state", "bench", "fleet"];

/** The packages for these needs; none given: for all but those that are asked for by name. */
export function needed(needs: readonly Need[]): readonly NeededPackage[] {
  if (needs.length === 0) return packages.filter((each) => !each.for.some((need) => byName.includes(need)));
  return packages.filter((each) => each.for.some((need) => needs.includes(need)));
}
