/** What each error code means and what resolves it, for docs/reference/errors.md. A message says the same of one case, with its values. */
import type { ErrorCode } from "./errors.ts";

export interface ErrorMeaning {
  /** One sentence: the condition that the code stands for. */
  readonly meaning: string;
  /** What to do, as an order. */
  readonly fix: string;
}

export interface ErrorChapter {
  readonly title: string;
  readonly codes: Readonly<Partial<Record<ErrorCode, ErrorMeaning>>>;
}

const one = (meaning: string, fix: string): ErrorMeaning => ({ meaning, fix });

const siteCodes = {
  E_SITE_MISSING: one(
    "There is neither `stacks/<env>.site.yaml` nor a `sealift:site` in the stack's file, or a file that the site names does not exist.",
    "Check the name and run the command in the checkout; `sealift init` writes a new environment.",
  ),
  E_SITE_SIZE: one(
    "The configuration is larger than Pulumi can hand to its program (Linux allows 128 KiB in one environment variable).",
    "Move the site to `stacks/<env>.site.yaml`, which Pulumi does not hand over.",
  ),
  E_YAML: one(
    "The file is not YAML 1.2, or is too large or too deep to be read safely.",
    "Correct the named line.",
  ),
  E_KEY_UNKNOWN: one(
    "The key does not exist. Sealift passes no unchecked key on to a host.",
    "Correct its spelling; the message names the known keys, and the nearest one.",
  ),
  E_KEY_MISSING: one("A required key is missing.", "Add it; the message shows an example."),
  E_KEY_REFUSED: one(
    "The key exists in Docker, and Sealift refuses it because it would open the engine or hide data. The message gives the reason.",
    "Remove the key, or use what the message names in its place.",
  ),
  E_KEY_VERSION: one(
    "The engine version of the host does not know the key, or no longer does.",
    "Remove the key, or choose an engine that knows it.",
  ),
  E_CONFLICT: one(
    "Two values exclude each other; the engine would not start or would ignore one of them.",
    "Remove or change one of the two values that the message names.",
  ),
  E_NETWORK_OVERLAP: one(
    "A container network overlaps another network of the site file.",
    "Choose a network that the site does not use.",
  ),
  E_SECRET: one(
    "A value contains a login, a password or a token where everybody could read it.",
    "Take the secret out; store it in a file on the host or as a Pulumi secret.",
  ),
  E_TYPE: one(
    "The value has another type than the key needs.",
    "Write the type that the message names; quote versions.",
  ),
  E_VALUE: one("The value is not one that the key can have.", "Write a value as in the message's example."),
  E_UNIT: one(
    "The value lacks its unit, or has an unknown one.",
    "Write number and unit, for example `20GiB` or `30s`.",
  ),
  E_DUPLICATE: one(
    "A name, number, address or key stands twice where it must be unique.",
    "Remove or change one of the two places.",
  ),
  E_UID_RANGE: one(
    "A uid or gid is outside 1000 to 59999, the range for people.",
    "Choose a number in the range, or set `systemUid: true`.",
  ),
  E_GROUP_UNKNOWN: one(
    "A user is to be in a group that the site does not define.",
    "Define the group or remove the name.",
  ),
  E_SECRET_PLAIN: one(
    "A password hash stands in clear text in a file of the repository.",
    "Set it with `pulumi config set --secret`.",
  ),
  E_DISK_NAME: one(
    "The disk has a name that may belong to another disk after a boot, such as `/dev/sdb`.",
    "Name it by `/dev/disk/by-id/…`; `sealift init` lists these names.",
  ),
  E_RENAMED: one(
    "A host has the host key of one that the stack knows by another name, so that Pulumi shows all of its resources as deleted and created. The host is not touched by either.",
    "Add `formerName` to the host.",
  ),
  E_CLASS_UNKNOWN: one(
    "A host or class names a class that is not defined.",
    "Define the class or correct the name.",
  ),
  E_CLASS_CYCLE: one("Classes extend each other in a circle.", "Remove one `extends`."),
  E_TEAM_UNKNOWN: one("A host names a team that is not defined.", "Define the team or correct the name."),
  E_ENGINE_NOT_IN_BUNDLE: one(
    "The bundle holds no engine of this version for the host's architecture.",
    "Choose a version of the bundle, or carry a bundle that holds it.",
  ),
  E_PLUGIN_NOT_IN_BUNDLE: one(
    "The bundle holds no plugin of this version for the host's architecture.",
    "Choose a version of the bundle, or carry a bundle that holds it.",
  ),
  E_IMAGE_NOT_IN_BUNDLE: one(
    "The bundle does not hold an image that a host is to run.",
    "Correct the name, or add the image to `bundle.yaml` and carry a new bundle.",
  ),
  E_REGISTRY_NOT_IN_BUNDLE: one(
    "The bundle does not hold the registry in the wanted version.",
    "Choose a version of the bundle, or carry a bundle that holds it.",
  ),
} as const satisfies ErrorChapter["codes"];

const operatorCodes = {
  E_NODE_VERSION: one(
    "Node.js is older than 22.18.",
    "Install a newer Node.js, or use `node_modules/.bin/node`.",
  ),
  E_PLUGIN_VERSION: one(
    "The command plugin or the package @pulumi/command has another version than the pinned one.",
    "Run `npm ci`; remove other plugins from the PATH.",
  ),
  E_AGENT: one(
    "No ssh-agent is running. Sealift reads no private keys.",
    'Run `eval "$(ssh-agent)"` and `ssh-add` with the key of the hosts\' login.',
  ),
  E_TOOL: one(
    "A program that Sealift calls is not installed, or failed. The message quotes its last words.",
    "Install the program, or resolve what it says.",
  ),
  E_PACKAGES: one(
    "The demo or the tests need Debian packages that are missing.",
    "Install the packages that are listed.",
  ),
  E_DEBIAN_SOURCES: one(
    "The machine has no package source from which the lab can be built.",
    "Enable a Debian source.",
  ),
  E_LAB_IMAGE: one(
    "The image of the lab's machines could not be built or read.",
    "Remove it with `npm run lab -- clean`.",
  ),
  E_LAB_GUEST: one(
    "A machine of the lab could not be started, stopped or reached.",
    "Run `npm run lab -- clean`, then try again.",
  ),
} as const satisfies ErrorChapter["codes"];

const bundleCodes = {
  E_LOCK_MISSING: one("There is no lock file.", "Run `sealift bundle lock`."),
  E_LOCK_STALE: one(
    "`bundle.yaml` and the lock do not agree.",
    "Run `sealift bundle lock`, and review the difference before you commit it.",
  ),
  E_BUNDLE_MISSING: one(
    "There is no bundle at this place.",
    "Correct the path; mount the medium; unpack the carried file.",
  ),
  E_BUNDLE_UNSIGNED: one(
    "The bundle has no signature.",
    "Sign it with `sealift bundle sign` on the connected side.",
  ),
  E_BUNDLE_SIGNATURE: one(
    "Too few people whom the site trusts have signed this content, or a signature is broken, revoked or too weak.",
    "Do not use the bundle. Have it signed by those who may, and compare the fingerprints of their keys.",
  ),
  E_BUNDLE_DIGEST: one(
    "A file of the bundle is not the signed one, or does not belong to it.",
    "Do not use the bundle. Copy it again from the source and verify it; if it fails again, find out who changed it.",
  ),
  E_BUNDLE_INCOMPLETE: one("A file of the bundle is missing.", "Copy the bundle again, whole."),
  E_BUNDLE_SERIAL: one(
    "The bundle is older than one that this site or host has accepted, or no list of accepted bundles exists.",
    "Use the newest bundle; begin the list with `sealift bundle accept`.",
  ),
  E_BUNDLE_EXPIRED: one("The bundle's `expires` date has passed.", "Build and carry a new bundle."),
  E_BUNDLE_PLATFORM: one(
    "The bundle does not carry the platform that a host or an image needs.",
    "Add the platform to `bundle.yaml`, then lock, build and carry again.",
  ),
  E_BUNDLE_PART: one("A part of a carried bundle is missing or damaged.", "Copy this one part again."),
  E_BUNDLE_BASE: one(
    "A delta needs files of an earlier bundle that is not there.",
    "Name a bundle that has them, or carry the whole bundle.",
  ),
  E_BUNDLE_REBUILD: one(
    "A second build of the same lock gave other bytes.",
    "Do not sign. Compare both builds with `sealift bundle diff`.",
  ),
  E_BUNDLE_COVERAGE: one(
    "An environment needs something that the lock does not pin.",
    "Add it to `bundle.yaml`, or choose what the bundle holds.",
  ),
  E_ARCHIVE: one(
    "An archive is damaged, or holds what could do harm when unpacked: absolute paths, links that lead outside, devices, too many bytes.",
    "Do not use it. Fetch it again from its publisher.",
  ),
  E_DOWNLOAD: one(
    "A download failed. The message quotes the reason.",
    "Check name, login, proxy and network, then run it again.",
  ),
  E_DOWNLOAD_SHA256: one(
    "What a server sent is not what the lock pins.",
    "Find out why: a publisher that replaced a file, or a mirror that lies. Do not update the lock before you know.",
  ),
  E_PIN: one(
    "The content of a pinned file is not what the lock says of it.",
    "Find out who changed the lock by hand; `sealift bundle lock --update` writes it from the bytes.",
  ),
  E_PIN_SOURCES: one(
    "Sources disagree about the sha256 of a file.",
    "Find out which source is wrong, and remove it.",
  ),
  E_PIN_SIGNATURE: one(
    "A publisher's signature over a file or its checksum is missing or does not hold.",
    "Check the publisher's key in `bundle.yaml`; do not use the file if the key is right.",
  ),
  E_PIN_ORIGIN: one(
    "The origin of a pin is weaker than `minOrigin` asks for.",
    "Name a signed source of the publisher, or have a second person confirm the pin.",
  ),
  E_IMAGE: one(
    "What an image name stands for is no container image, or one that no bundle can carry to a host: a chart or another artifact, a plugin, layers that the registry need not have, digests other than sha256.",
    "Do what the line says: carry an artifact as a file (url: oci:…), take one platform by its digest, or have the image built again.",
  ),
  E_IMAGE_SIGNATURE: one(
    "An image has no valid cosign signature by the named key for this digest and name.",
    "Check key and digest with the publisher; do not use the image otherwise.",
  ),
  E_TAG_MOVED: one(
    "A tag leads to another digest than the lock pins.",
    "Find out who moved it; update the lock only if the new digest is meant.",
  ),
  E_REGISTRY: one(
    "A registry refused, failed, or serves other bytes than were pushed.",
    "Resolve what the registry says; push the bundle again.",
  ),
  E_SIGNING_KEY: one(
    "The key cannot sign: ssh-keygen cannot read it, or nobody trusts it.",
    "Use a private key that it can read; load it into the agent.",
  ),
  E_RECEIPT: one(
    "A receipt is damaged, not signed by who may sign it, or does not follow the one before.",
    "Do not rely on it. Look for the original in the folder of receipts and its copies.",
  ),
} as const satisfies ErrorChapter["codes"];

const reachCodes = {
  E_HOST_UNREACHABLE: one(
    "The host's sshd does not answer.",
    "Check host, network, address and port. Other hosts go on.",
  ),
  E_HOST_KEY: one(
    "The host shows another key than the pinned one.",
    "If the host was reinstalled, compare the new key on its console and update `hostKey`; otherwise treat it as an attack.",
  ),
  E_LOGIN: one(
    "The host refuses the login.",
    "Load the key with `ssh-add`, and make sure that its public key is in `authorized_keys` on the host.",
  ),
  E_JUMP_UNREACHABLE: one(
    "The jump host's sshd does not answer.",
    "Check the jump host, its network, address and port.",
  ),
  E_JUMP_KEY: one(
    "The jump host shows another key than the pinned one.",
    "As for E_HOST_KEY, on the jump host.",
  ),
  E_JUMP_LOGIN: one("The jump host refuses the login.", "As for E_LOGIN, on the jump host."),
  E_JUMP_FORWARD: one(
    "The jump host does not forward connections.",
    "Set `AllowTcpForwarding local` in its sshd_config.",
  ),
  E_PROBE: one(
    "The host did not answer the questions of the probe in the expected form.",
    "Log in by ssh and resolve what the message quotes.",
  ),
} as const satisfies ErrorChapter["codes"];

const loginCodes = {
  E_LOGIN_ALGORITHM: one(
    "The host's sshd and the operator's ssh have no host key type, key exchange or cipher in common.",
    "Pin a key that the host has, and allow one of the algorithms that the message lists in its sshd_config.",
  ),
  E_LOGIN_KEYS: one(
    "The ssh-agent offers too many keys before the one that the host takes.",
    "Use an agent that holds the key of the login alone.",
  ),
  E_LOGIN_FACTOR: one(
    "The host's sshd accepts the key and then asks for a second factor.",
    "Exempt the login: `Match User` with `AuthenticationMethods publickey` in sshd_config.",
  ),
  E_LOGIN_ACCOUNT: one(
    "The key is accepted and PAM refuses the account (pam_access, pam_faillock, or the rules of a directory).",
    "See on the host which module refuses it: `journalctl -u ssh`.",
  ),
  E_LOGIN_EXPIRED: one("The account of the login has ended.", "Give it another end, or none: `chage -E -1`."),
  E_LOGIN_PASSWORD: one(
    "The password of the login must be changed before anything else, which stops a login by key too.",
    "Set a new password, or one that does not age: `chage -M -1`.",
  ),
  E_LOGIN_NOW: one(
    "The host boots, shuts down or is in maintenance, and lets nobody in (pam_nologin); a warning in a preview.",
    "Wait until it is over, or remove /etc/nologin.",
  ),
  E_LOGIN_SESSIONS: one(
    "The host's sshd lets the login in and opens no session.",
    "Set MaxSessions to 1 or more in its sshd_config.",
  ),
  E_LOGIN_SHELL: one(
    "The shell of the login does not start `sh`: nologin, or rbash with its own PATH.",
    "Give the login another shell: `usermod --shell /bin/bash`.",
  ),
  E_LOGIN_OUTPUT: one(
    "A start-up file of the login's shell prints, which breaks sftp.",
    "Print only on a terminal, or set `Subsystem sftp internal-sftp` in sshd_config.",
  ),
  E_LOGIN_HOME: one(
    "The login has no home, may not write into it, or root may not read it (NFS with root_squash).",
    "Give the login a home of its own on the host's own disk.",
  ),
  E_SFTP: one(
    "No file can be copied to the host by sftp, or not into the home of the login.",
    "Set `Subsystem sftp internal-sftp` in sshd_config, without ChrootDirectory for the login.",
  ),
  E_SUDO: one(
    "No sudo rule lets the login become root without a password; as a warning: other rules give a user of the site more or less than the site says.",
    "Add the rule that the message shows to a file in /etc/sudoers.d.",
  ),
  E_SUDO_MISSING: one("There is no sudo on the host.", "Install it, or use the login root."),
  E_SUDO_TTY: one("The host's sudo wants a terminal.", "Set `!requiretty` for the login in sudoers."),
  E_SUDO_ORDER: one(
    "A sudo rule without a password exists, and a later one asks for it; sudo applies the last rule that matches.",
    "Put the rule into a file that sudo reads last, or remove the later one.",
  ),
  E_SUDO_COMMAND: one("The sudo rules allow only some commands.", "Allow the login all commands as root."),
  E_SUDO_FILE: one(
    "The host's sudo ignores a file of rules because of its owner, its mode or a syntax error.",
    "Run `visudo -c` on the host, then give the file root:root and mode 0440.",
  ),
  E_SUDO_EXEC: one(
    "The sudo rule lets root's shell start no program (noexec).",
    "Set `!noexec` for the login in sudoers, and remove `NOEXEC:` from its rule.",
  ),
  E_SUDO_ROOT: one(
    "The host's sudo runs commands as another user than root (runas_default).",
    "Set `runas_default=root` for the login in sudoers.",
  ),
  E_SUDO_SETUID: one(
    "The host's sudo cannot become root: no setuid bit, a nosuid file system, or NoNewPrivileges.",
    "Restore mode 4755, and remove nosuid or NoNewPrivileges.",
  ),
  E_SUDO_ACCOUNT: one(
    "PAM refuses the account of the login to sudo.",
    "Check `chage -l`, `passwd -S` and /etc/pam.d/sudo on the host.",
  ),
  E_MACHINE_ID: one(
    "The host has no machine id, as in a golden image that was never set up.",
    "Run `systemd-machine-id-setup` on the host and restart it.",
  ),
} as const satisfies ErrorChapter["codes"];

const hostCodes = {
  E_OS: one(
    "The system is not one that Sealift supports.",
    "Install a supported system; the message lists them.",
  ),
  E_ARCH: one("The processor is another one than the site file says.", "Correct `architecture`."),
  E_HOST_TOOLS: one(
    "Programs that the phases call are not installed.",
    "Install the packages that the message names.",
  ),
  E_DISK_ABSENT: one("The disk does not exist on this host.", "Correct its name, or attach it."),
  E_DISK_IN_USE: one(
    "The disk carries data, a partition table or a file system. Sealift never empties a disk.",
    "Choose another disk. If the data is really not needed, empty the disk by hand.",
  ),
  E_DISK_TOO_SMALL: one("The volumes do not fit on the disks.", "Make volumes smaller, or add a disk."),
  E_DISK_SERIAL: one(
    "The disk has another serial number than the site file says.",
    "Find out which disk is meant.",
  ),
  E_VOLUME_GROUP: one(
    "The volume group is not as the site says.",
    "Compare `vgs` and `pvs` with the site file.",
  ),
  E_VOLUME_SPACE: one("The volume group has too little free space.", "Make volumes smaller, or add a disk."),
  E_VOLUME_KIND: one(
    "The logical volume is not a plain linear one.",
    "Choose another name, or move its data.",
  ),
  E_SHRINK: one(
    "The volume would become smaller. Sealift never shrinks one.",
    "Write at least its present size.",
  ),
  E_FILESYSTEM: one(
    "Another file system is there than the site says. Sealift never formats what carries data.",
    "Name the file system that is there, or use another volume.",
  ),
  E_MOUNT_POINT: one(
    "A mount point is not safe or not free.",
    "Resolve what was found; give it a folder of root's.",
  ),
  E_MOUNT_ABSENT: one("A mount that others manage does not exist.", "Mount it, or correct `existing`."),
  E_MOUNT_BOOT: one(
    "A mount that others manage would not come back after a boot.",
    "Put it into /etc/fstab or a mount unit.",
  ),
  E_MOUNT_SPACE: one(
    "A mount that others manage has less free space than `minFree`.",
    "Free space, or lower `minFree`.",
  ),
  E_MOUNT_OPTIONS: one(
    "A mount has options with which the engine cannot work.",
    "Remount it without them, and correct /etc/fstab.",
  ),
  E_SPACE: one(
    "A file system has too little free space or too few free inodes.",
    "Free space there, then run it again.",
  ),
  E_FOREIGN_ENGINE: one(
    "Another Docker engine is installed or runs.",
    "Keep what it has by docs/guide/adopt-a-docker-host.md, or remove it.",
  ),
  E_FOREIGN_UNIT: one(
    "A systemd unit is made or changed by files that Sealift did not write.",
    "Move these files away.",
  ),
  E_MEMORY: one("The host has less than 1 GiB of memory.", "Add memory."),
  E_HOSTNAME: one("The host cannot resolve its own name.", "Add a line to /etc/hosts."),
  E_CLOCK: one(
    "The host's clock differs from the operator's.",
    "Set the wrong clock; have it follow a time server.",
  ),
  E_KERNEL: one(
    "The kernel lacks what Docker needs.",
    "Install the whole kernel package, or boot the newest kernel.",
  ),
  E_CGROUP: one(
    "Control groups are not available as the engine needs them.",
    "Correct the kernel's command line, and boot.",
  ),
  E_IPTABLES: one(
    "The program iptables does not work.",
    "Run what was found by hand; choose nft or legacy with update-alternatives.",
  ),
  E_DAEMON_NEEDS: one(
    "The host does not have what daemon.json names: a bridge, a user with subordinate ids, a file, a program, IP forwarding, SELinux. The engine would not start.",
    "Make it on the host, or take the key out of `daemon` in the site file.",
  ),
  E_APPARMOR: one(
    "AppArmor is enabled and its parser is missing, so Docker silently runs containers without their profile.",
    "Install the package apparmor.",
  ),
  E_SELINUX: one(
    "SELinux is enforcing. Sealift labels nothing.",
    "Make it permissive, or label the files yourself.",
  ),
  E_SYSCTL: one(
    "A kernel parameter is below what containers need.",
    "Set it in /etc/sysctl.d and run `sysctl --system`.",
  ),
  E_PORT: one(
    "A port is taken, or somebody listens where an unprotected engine would.",
    "Stop what listens there.",
  ),
  E_MTU: one("The network card carries smaller packets than the container network.", "Set `daemon.mtu`."),
  E_ADDRESS_POOL: one(
    "Container networks would hide networks of the site.",
    "Set `daemon.default-address-pools`.",
  ),
  E_RESOLVER: one("Containers would find no name server.", "Set `daemon.dns`."),
  E_FIREWALL: one(
    "A firewall service would remove the engine's rules, or be bypassed by published ports.",
    "Switch it off, or use DOCKER-USER.",
  ),
  E_NETWORK_FILTER: one(
    "The kernel or systemd of this host cannot filter the addresses that a unit may reach.",
    "Boot a kernel with BPF for control groups.",
  ),
  E_UID_TAKEN: one(
    "The uid or the user name belongs to another account.",
    "Choose another one, or adopt the account.",
  ),
  E_GID_TAKEN: one("The gid or the group name belongs to another group.", "Choose another one."),
  E_HOME: one(
    "The home is not where the site says, is not the user's, or is not safe to write to.",
    "Correct it on the host or in the site.",
  ),
  E_OWN_LOGIN: one("The change would lock out the login of this very run.", "Log in as somebody else first."),
  E_STRANGERS: one(
    "The group docker has members, or accounts have access, that the site does not name.",
    "Name them in the site, or remove them.",
  ),
  E_SSHD: one(
    "The host's sshd takes keys from elsewhere, or would ignore the ones that Sealift writes.",
    "Correct sshd's configuration.",
  ),
  E_IMAGE_STORE: one(
    "The host keeps its images in the other image store.",
    "Choose the store that is in use, or remove the images first.",
  ),
  E_DATA_ROOT: one(
    "A data root holds data that the engine of the site would not show: after a change of the setting, or from another Docker.",
    "Keep the setting, move the data, or take it over by docs/guide/adopt-a-docker-host.md.",
  ),
  E_ENGINE_JUMP: one(
    "Docker does not support the way from the present engine version to the new one.",
    "Go by the version that the message names.",
  ),
  E_LIMIT_IN_USE: one("Containers use more than the new limit.", "Stop some, or choose a higher limit."),
  E_REGISTRY_NAME: one(
    "The registry's name leads elsewhere on this host.",
    "Remove other lines, or choose another name.",
  ),
  E_REGISTRY_CA: one(
    "A registry shows another CA than the accepted one, or one that may sign for more than the registry.",
    "Find out why it changed before anything trusts it.",
  ),
  E_REFUSED: one("A guard on the host refused the change.", "Resolve what was found."),
} as const satisfies ErrorChapter["codes"];

const runCodes = {
  E_HOST_LOCKED: one("Another run is changing this host.", "Wait until it ends."),
  E_LIBRARY: one("The shell library arrived damaged on the host.", "Run `pulumi up` again."),
  E_PLAN: one("The plan arrived incomplete on the host.", "Run `pulumi up` again."),
  E_RUN_LOST: one(
    "The run on the host ended without a result.",
    "Run `pulumi up` again; it continues where this one stopped.",
  ),
  E_STEP: one(
    "A step was applied, and its fact still does not hold.",
    "Resolve what was found, then run `pulumi up` again.",
  ),
  E_GATE: one(
    "A host of a wave is not healthy, so that the next wave did not begin.",
    "Resolve the finding, then run `pulumi up` again.",
  ),
  E_FACT: one(
    "A fact does not hold after the run, although the host was changed, or because the run was told to leave it as it is.",
    "Find out what undoes it, then run `pulumi up` again, without `--target` and `--exclude`.",
  ),
} as const satisfies ErrorChapter["codes"];

/** Every code, in the order of the reference page. */
export const errorChapters: readonly ErrorChapter[] = [
  { title: "The site file", codes: siteCodes },
  { title: "The operator's machine", codes: operatorCodes },
  { title: "The bundle and receipts", codes: bundleCodes },
  { title: "The way to a host", codes: reachCodes },
  { title: "The login", codes: loginCodes },
  { title: "The host", codes: hostCodes },
  { title: "A run", codes: runCodes },
];
