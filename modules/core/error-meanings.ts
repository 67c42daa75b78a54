/**
 * The meaning of each error code and its fix, for docs/reference/errors.md. A message states the same for one case, with its
 * values.
 */
import type { ErrorCode } from "./errors.ts";

export interface ErrorMeaning {
  /** One sentence: the condition that the code stands for. */
  readonly meaning: string;
  /** What to do, in the imperative. */
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
  E_CONFIG_TOO_LARGE: one(
    "The configuration is larger than Pulumi can hand to its program (Linux allows 128 KiB in one environment variable).",
    "Move the site to `stacks/<env>.site.yaml`, which Pulumi does not hand over.",
  ),
  E_YAML: one(
    "The file is not YAML 1.2, or is too large or too deep to be read safely.",
    "Correct the named line.",
  ),
  E_KEY_UNKNOWN: one(
    "The key does not exist. Sealift passes no unchecked key on to a host.",
    "Correct the spelling; the message lists the known keys. If pre-releases of 0.1.0 had the key, the message gives its new name.",
  ),
  E_KEY_MISSING: one("A required key is missing.", "Add it; the message shows an example."),
  E_KEY_REFUSED: one(
    "The key exists in Docker, and Sealift refuses it because it would open the engine or hide data. The message gives the reason.",
    "Remove the key, or use the alternative in the message.",
  ),
  E_KEY_VERSION: one(
    "The engine version of the host does not support the key, or no longer does.",
    "Remove the key, or choose an engine version that supports it.",
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
    "Remove the secret; store it in a file on the host or as a Pulumi secret.",
  ),
  E_TYPE: one("The value has the wrong type.", "Use the type in the message; put versions in quotes."),
  E_VALUE: one("The value is not allowed for the key.", "Use a value like the example in the message."),
  E_UNIT: one(
    "The value lacks its unit, or has an unknown one.",
    "Write number and unit, for example `20GiB` or `30s`.",
  ),
  E_DUPLICATE: one(
    "A name, number, address or key occurs twice but must be unique.",
    "Remove or change one of the two values.",
  ),
  E_UID_RANGE: one(
    "A uid or gid is outside 1000 to 59999, the range for people.",
    "Choose a number in the range, or set `allowSystemId: true`.",
  ),
  E_GROUP_UNKNOWN: one(
    "A user has a group that the site does not define.",
    "Define the group or remove the name.",
  ),
  E_SECRET_PLAIN: one(
    "A password hash is in clear text in a file of the repository.",
    "Set it with `pulumi config set --secret`.",
  ),
  E_DISK_NAME: one(
    "The disk has a name that may belong to another disk after a boot, such as `/dev/sdb`.",
    "Use its name in `/dev/disk/by-id`; `sealift init` lists these names.",
  ),
  E_RENAMED: one(
    "The stack knows the host with this host key by another name, so Pulumi shows all of its resources as deleted and created. The host itself does not change.",
    "Add `formerName` to the host.",
  ),
  E_OUTPUT: one(
    "A value that a program passes to `provisionSite` as an Output is not known.",
    "Create the resource before the call. Only a host's `address`, `port` and `hostKey` may become known later than the preview.",
  ),
  E_CLASS_UNKNOWN: one(
    "A host or class names a class that is not defined.",
    "Define the class or correct the name.",
  ),
  E_CLASS_CYCLE: one("Classes extend each other in a cycle.", "Remove one `extends`."),
  E_TEAM_UNKNOWN: one("A host names a team that is not defined.", "Define the team or correct the name."),
  E_ENGINE_NOT_IN_BUNDLE: one(
    "The bundle has no engine of this version for the host's architecture.",
    "Choose a version of the bundle, or bring in a bundle that has this one.",
  ),
  E_PLUGIN_NOT_IN_BUNDLE: one(
    "The bundle has no plugin of this version for the host's architecture.",
    "Choose a version of the bundle, or bring in a bundle that has this one.",
  ),
  E_IMAGE_NOT_IN_BUNDLE: one(
    "The bundle does not have an image that a host needs.",
    "Correct the name, or add the image to `bundle.yaml` and bring in a new bundle.",
  ),
  E_REGISTRY_NOT_IN_BUNDLE: one(
    "The bundle does not have the requested version of the registry.",
    "Choose a version of the bundle, or bring in a bundle that has this one.",
  ),
  E_APP_NOT_IN_BUNDLE: one(
    "The bundle does not have the version of an application that the site names.",
    "Choose a version of the bundle, or add it to `apps:` in `bundle.yaml` and bring in a new bundle.",
  ),
  E_APP_RIGHTS: one(
    "A service needs a right over the host, and the site does not allow it: the socket of the engine, all capabilities, a namespace, device, network or control group of the host, weaker confinement, or a log that leaves the host.",
    "Change the Compose file, or name the right in `allow:` of the application.",
  ),
  E_APP_PATH: one(
    "A service mounts a path of the host that is not on a volume of the site for applications.",
    "Use a named volume or a path on such a volume, or name the path in `allow:` of the application.",
  ),
  E_APP_DATA: one(
    "`data:` of an application does not fit its Compose file, or a service of an application with `backup:` keeps its state outside of `data:`.",
    "Follow the message: name the folder of the service in `data:`, or the volume in `backup.without`; if the lock is too old to know the volumes, run `sealift bundle lock`.",
  ),
  E_APP_PORT: one(
    "Two services publish the same port of a host, or one that sshd or the registry of the site has.",
    "Publish another port, or run one of them on another host.",
  ),
  E_IMAGE_LOAD: one(
    "Without a registry, images are loaded into the engine, and the classic image store would lose the digest that the lock pins.",
    "Add a registry to the site, or choose the containerd image store.",
  ),
  E_AGE_NOT_IN_BUNDLE: one(
    "The bundle does not have the requested version of age for the host's architecture.",
    "Choose a version of the bundle, or bring in a bundle that has this one.",
  ),
  E_BACKUP_NOT_IN_BUNDLE: one(
    "The bundle does not have the requested version of restic or rest-server for the host's architecture.",
    "Choose a version of the bundle, or bring in a bundle that has this one.",
  ),
  E_STORE_CERTIFICATE: one(
    "A store of backups reported something else than a certificate for its own address.",
    "Find out what changed on the store. After its certificate is removed, the next run makes another one.",
  ),
  E_DATA_MOVED: one(
    "`data:` of the site names an empty folder for a service that has its state elsewhere: it would start without its data.",
    "Stop the service and move its data into the folder, as the message says; or remove the service from `data:`.",
  ),
  E_DATABASE_MAJOR: one(
    "A release has a database of another major version than the one that has written its data, which it could not read, or which would be converted without a way back.",
    "Keep the major version; or follow [the guide](../guide/backup.md#9-another-major-version-of-a-database).",
  ),
  E_BACKUP: one(
    "A backup could not be made, or the last good one is older than it may be.",
    "Correct what the message names. The next backup tries again by itself. Where it stopped an update, run `pulumi up` again.",
  ),
  E_RESTORE: one(
    "A restore could not begin or could not be finished. Present data is never deleted.",
    "Correct what the message names, then run the same command again; or undo it as the message says.",
  ),
  E_SWARM_MEMBER: one(
    "A host is a member of another swarm, or it cannot be known which swarm the managers of the site have.",
    "Follow the message: bring the named host back, or make it leave the other swarm.",
  ),
  E_SWARM_QUORUM: one(
    "No more than half of the managers of the swarm are reachable: it runs what it runs, and nothing can be changed. As a warning: the loss of one rack would do that.",
    "Bring managers back; the swarm then goes on by itself. Only if they are lost for good, follow [the guide](../guide/swarm.md#a-lost-quorum).",
  ),
  E_SWARM_LOCKED: one(
    "A manager of the swarm is locked: its keys are encrypted, and its engine was restarted.",
    "Give it the unlock key, which every other manager has, and which its own disk has encrypted for the recovery key: [the guide](../guide/swarm.md#locked-managers).",
  ),
  E_SWARM_PATH: one(
    "Packets that a swarm needs do not arrive between two of its members: a port, ESP, or packets of the size of its networks.",
    "Open it in every firewall between the two, both ways; or write a smaller `mtu`.",
  ),
  E_SWARM_POOL: one(
    "Addresses of the swarm's networks collide with others, or the swarm exists with other ones.",
    "Choose addresses that nothing else uses, before the swarm is created.",
  ),
  E_SWARM_NODE: one(
    "The swarm has a node that the site does not name, or a node cannot be removed, promoted or demoted now.",
    "Follow the message: add the host to the swarm of the site, or to `removed:`.",
  ),
  E_SWARM_NETWORK: one(
    "A network of the swarm differs from the site, or the site no longer names it, and services use it: it cannot be changed.",
    "Follow the message: write what it has into the site, or take the services off it.",
  ),
  E_SECRET_FILE: one(
    "The file of a secret does not exist, or is not one that age has encrypted.",
    "Create it with `sealift secret edit`.",
  ),
  E_SECRET_RECIPIENT: one(
    "A secret is not encrypted for exactly the hosts that need it and the recovery key, or a host's key is of a type that age cannot encrypt for.",
    "Encrypt it again with `sealift secret rekey`, or pin the ssh-ed25519 key of the host.",
  ),
} as const satisfies ErrorChapter["codes"];

const operatorCodes = {
  E_NODE_VERSION: one(
    "Node.js is older than 22.18.",
    "Install a newer Node.js, or use `node_modules/.bin/node`.",
  ),
  E_PLUGIN_VERSION: one(
    "The Pulumi plugin `command` or the package @pulumi/command does not have the pinned version.",
    "Run `npm ci`; remove other plugins from the PATH.",
  ),
  E_TOOLKIT_VERSION: one(
    "The installed Sealift is not the one that the repository pins in package-lock.json; or `sealift upgrade` or `sealift new` was given a version that it cannot use.",
    "Run `npm ci`; to upgrade, change package.json and package-lock.json together. For `upgrade`, follow the message.",
  ),
  E_PULUMI_COPIES: one(
    "The program and Sealift would load two copies of @pulumi/pulumi or @pulumi/command, which do not know each other's resources.",
    "Pin the versions that the message names in package.json, then run `npm install`.",
  ),
  E_AGENT: one(
    "No ssh-agent is running. Sealift reads no private keys.",
    'Run `eval "$(ssh-agent)"` and `ssh-add` with the key of the hosts\' login.',
  ),
  E_TOOL: one(
    "A program that Sealift calls is not installed, or failed. The message quotes its last output.",
    "Install the program, or resolve the reported problem.",
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
    "Remove the image with `npm run lab -- clean`.",
  ),
  E_LAB_GUEST: one(
    "A machine of the lab could not be started, stopped or reached.",
    "Run `npm run lab -- clean`, then try again.",
  ),
} as const satisfies ErrorChapter["codes"];

const bundleCodes = {
  E_LOCK_MISSING: one("There is no lock file.", "Run `sealift bundle lock`."),
  E_LOCK_STALE: one(
    "`bundle.yaml` and the lock do not match.",
    "Run `sealift bundle lock`, and review the difference before you commit it.",
  ),
  E_PACKAGE_LOCK: one(
    "`package-lock.json` cannot be read, or lists an npm package that a bundle cannot carry: a git dependency, a folder, a package without a sha512, or one for another platform only.",
    "Change the dependency as the message says, and run `npm install`.",
  ),
  E_APP_COMPOSE: one(
    "The compose plugin refuses the Compose file of an application; its own message is part of the problem.",
    "Correct the Compose file; `docker compose config -q` in its folder prints the same message.",
  ),
  E_APP_FILES: one(
    "The folder of an application has something that a bundle cannot carry, such as a link, or lacks a file that its Compose file names.",
    "Put plain files below the folder of the Compose file; data that a service writes belongs into a named volume.",
  ),
  E_APP_REMOTE: one(
    "A Compose file includes something from a registry, a git repository or a web server, which the air-gapped side cannot reach.",
    "Copy it into the folder of the Compose file, and include it by its path.",
  ),
  E_APP_BUILD: one(
    "A service has no image, or is only built: the air-gapped side builds nothing.",
    "Build and push the image on the connected side, and name it with `image:`.",
  ),
  E_APP_PULL: one(
    "`pull_policy` asks for an image from a registry at every start, or for a build.",
    "Remove `pull_policy`, or set it to `missing` or `never`.",
  ),
  E_APP_IMAGE: one(
    "The image of a service cannot be pinned: no full name, no tag, the tag latest, or a variable in it.",
    "Write the full name with the tag that you have tested.",
  ),
  E_APP_SECRET: one(
    "A Compose file or env_file contains the value of a secret, or takes a secret from elsewhere than a file.",
    "Declare it under `secrets:` with `file:`; the site provides the file on each host.",
  ),
  E_APP_MOUNT: one(
    "A service mounts something that a lock cannot record, such as a path with a variable or a volume of another type, or may write to files of the project.",
    "Write the path, add `:ro`, or use a named volume.",
  ),
  E_APP_SERVICE: one(
    "A service uses a part of Compose that Sealift does not run: profiles, providers, models, the namespaces or volumes of another container, links out of the project, labels of compose or Sealift, labels from a file, a variable that decides over the host, the restarts or the number of containers, or a notation of ports that cannot be read.",
    "Follow the message: change the service, or move it into a Compose file of its own.",
  ),
  E_APP_HEALTHCHECK: one(
    "A warning: services without a healthcheck count as healthy as soon as their processes run.",
    "Add `healthcheck:` with a test that fails when the service does not answer.",
  ),
  E_APP_LIMITS: one(
    "A warning: services without a memory limit can take the memory of all others on the host.",
    "Add `deploy.resources.limits.memory`.",
  ),
  E_APP_ONE_SHOT: one(
    "A warning: services that are neither restarted nor waited for; if one of them ends, `up --wait` fails.",
    "Add `restart: unless-stopped`, or let another service depend on its success.",
  ),
  E_APP_EXECUTABLE: one(
    "A warning: executable files of a project are carried without that right.",
    "Start scripts by their interpreter, or put programs into the image.",
  ),
  E_APP_STACK: one(
    "An application cannot run on a swarm as its Compose file says: docker stack deploy refuses or ignores a key, a service would lose its data on another node, or a network that exists has another definition.",
    "Follow the fix, or run the application on hosts.",
  ),
  E_APP_STACK_ORDER: one(
    "A warning: a swarm does without what this key asks for, such as an order of start.",
    "Let services try again until what they need answers.",
  ),
  E_BUNDLE_MISSING: one(
    "There is no bundle at this path.",
    "Correct the path, mount the medium, or unpack the archive.",
  ),
  E_BUNDLE_UNSIGNED: one(
    "The bundle has no signature.",
    "Sign it with `sealift bundle sign` on the connected side.",
  ),
  E_BUNDLE_SIGNATURE: one(
    "Fewer trusted people than required have signed this content, or a signature is broken, revoked or too weak.",
    "Do not use the bundle. Have it signed by trusted people, and verify the fingerprints of their keys.",
  ),
  E_BUNDLE_DIGEST: one(
    "A file of the bundle differs from the signed one, or does not belong to the bundle.",
    "Do not use the bundle. Copy it again from the source and verify it; if it fails again, find out who changed it.",
  ),
  E_BUNDLE_INCOMPLETE: one("A file of the bundle is missing.", "Copy the whole bundle again."),
  E_BUNDLE_SERIAL: one(
    "The bundle is older than one that this site or host has accepted, or no list of accepted bundles exists.",
    "Use the newest bundle; create the list with `sealift bundle accept`.",
  ),
  E_BUNDLE_EXPIRED: one("The bundle's `expires` date has passed.", "Build and bring in a new bundle."),
  E_BUNDLE_PLATFORM: one(
    "The bundle does not have the platform that a host or an image needs.",
    "Add the platform to `bundle.yaml`, run `sealift bundle lock`, then build and bring in a new bundle.",
  ),
  E_BUNDLE_PART: one("A part of an archive is missing or damaged.", "Copy only this part again."),
  E_BUNDLE_BASE: one(
    "A delta needs blobs of an earlier bundle that is not available.",
    "Pass a bundle that has them with `--base`, or use a complete archive.",
  ),
  E_BUNDLE_REBUILD: one(
    "A second build of the same lock gave different bytes.",
    "Do not sign. Compare both builds with `sealift bundle diff`.",
  ),
  E_NOT_IN_LOCK: one(
    "An environment needs something that the lock does not pin.",
    "Add it to `bundle.yaml`, or choose a pinned version.",
  ),
  E_ARCHIVE: one(
    "An archive is damaged, or unsafe to unpack: it has absolute paths, links that lead outside, devices, or too many bytes.",
    "Do not use the archive. Download it again from its publisher.",
  ),
  E_DOWNLOAD: one(
    "A download failed. The message quotes the reason.",
    "Check the name, the login, the proxy and the network, then run the command again.",
  ),
  E_DOWNLOAD_SHA256: one(
    "A server sent other bytes than the lock or `package-lock.json` pins.",
    "Find out why: either the publisher replaced a file, or a mirror was tampered with. Do not update the lock until you know.",
  ),
  E_PIN_MISMATCH: one(
    "The content of a pinned file does not match the lock.",
    "Find out who edited the lock; `sealift bundle lock --update` records the content again.",
  ),
  E_PIN_SOURCES: one(
    "Sources disagree about the sha256 of a file.",
    "Find out which source is wrong, and remove it.",
  ),
  E_PIN_SIGNATURE: one(
    "A publisher's signature over a file or its checksum is missing or invalid.",
    "Check the publisher's key in `bundle.yaml`; do not use the file if the key is right.",
  ),
  E_PIN_ORIGIN: one(
    "The origin of a pin is weaker than `minOrigin` requires.",
    "Add a signature of the publisher to `bundle.yaml`, or have a second person confirm the pin.",
  ),
  E_IMAGE: one(
    "An image name points to content that is not a container image or that a bundle cannot carry: a chart or another artifact, a plugin, foreign layers, or digests other than sha256.",
    "Follow the message: add an artifact as a file (`url: oci:…`), pin one platform by its digest, or have the image rebuilt.",
  ),
  E_IMAGE_SIGNATURE: one(
    "An image has no valid cosign signature by the named key for this digest and name.",
    "Check key and digest with the publisher; do not use the image otherwise.",
  ),
  E_TAG_MOVED: one(
    "A tag points to another digest than the lock pins.",
    "Find out who moved the tag; update the lock only if the new digest is intended.",
  ),
  E_REGISTRY: one(
    "A registry refused a request, failed, or serves other bytes than were pushed.",
    "Resolve the error of the registry, then push the bundle again.",
  ),
  E_SIGNING_KEY: one(
    "The key cannot sign: ssh-keygen cannot read it, or it is not trusted.",
    "Use a private key that ssh-keygen can read, or load the key into the ssh-agent.",
  ),
  E_RECEIPT: one(
    "A receipt is damaged, not signed by an allowed signer, or does not follow the previous one.",
    "Do not rely on the receipt. Look for the original in the folder of receipts and its copies.",
  ),
} as const satisfies ErrorChapter["codes"];

const reachCodes = {
  E_HOST_UNREACHABLE: one(
    "The host's sshd does not respond.",
    "Check the host, the network, the address and the port. Other hosts are not affected.",
  ),
  E_HOST_KEY: one(
    "The host presents another host key than the pinned one.",
    "If the host was reinstalled, verify the new key on its console and update `hostKey`; otherwise treat this as an attack.",
  ),
  E_LOGIN: one(
    "The host refuses the login.",
    "Load the key with `ssh-add`, and make sure that its public key is in `authorized_keys` on the host.",
  ),
  E_JUMP_HOST_UNREACHABLE: one(
    "The jump host's sshd does not respond.",
    "Check the jump host, its network, its address and its port.",
  ),
  E_JUMP_HOST_KEY: one(
    "The jump host presents another host key than the pinned one.",
    "Do the same as for E_HOST_KEY, on the jump host.",
  ),
  E_JUMP_HOST_LOGIN: one("The jump host refuses the login.", "Do the same as for E_LOGIN, on the jump host."),
  E_JUMP_HOST_FORWARD: one(
    "The jump host does not forward connections.",
    "Set `AllowTcpForwarding local` in its sshd_config.",
  ),
  E_PROBE: one(
    "The host's report is incomplete or not in the expected form.",
    "Log in with ssh and resolve the problem that the message quotes.",
  ),
} as const satisfies ErrorChapter["codes"];

const loginCodes = {
  E_LOGIN_ALGORITHM: one(
    "The host's sshd and the operator's ssh have no host key type, key exchange or cipher in common.",
    "Pin a key that the host has, and allow one of the listed algorithms in its sshd_config.",
  ),
  E_LOGIN_KEYS: one(
    "The ssh-agent offers too many keys before the one that the host accepts.",
    "Use an agent that has only the key of the SSH user.",
  ),
  E_LOGIN_FACTOR: one(
    "The host's sshd accepts the key and then asks for a second factor.",
    "Exempt the SSH user: `Match User` with `AuthenticationMethods publickey` in sshd_config.",
  ),
  E_LOGIN_ACCOUNT: one(
    "The key is accepted and PAM refuses the account (pam_access, pam_faillock, or the rules of a directory).",
    "Find out on the host which module refuses it: `journalctl -u ssh`.",
  ),
  E_LOGIN_EXPIRED: one(
    "The account of the SSH user has expired.",
    "Extend or remove its expiry date: `chage -E -1`.",
  ),
  E_LOGIN_PASSWORD: one(
    "The password of the SSH user has expired and must be changed, which also blocks logins with a key.",
    "Set a new password, or disable password expiry: `chage -M -1`.",
  ),
  E_LOGIN_NOW: one(
    "The host is booting, shutting down or in maintenance, and refuses logins (pam_nologin). In a preview this is a warning.",
    "Wait, or remove /etc/nologin.",
  ),
  E_LOGIN_SESSIONS: one(
    "The host's sshd accepts the login but opens no session.",
    "Set MaxSessions to 1 or more in its sshd_config.",
  ),
  E_LOGIN_SHELL: one(
    "The shell of the SSH user cannot start `sh`: nologin, or rbash with its own PATH.",
    "Give the SSH user another shell: `usermod --shell /bin/bash`.",
  ),
  E_LOGIN_OUTPUT: one(
    "A start-up file of the SSH user's shell prints output, which breaks sftp.",
    "Make it print only on a terminal, or set `Subsystem sftp internal-sftp` in sshd_config.",
  ),
  E_LOGIN_HOME: one(
    "The SSH user has no home or cannot write to it, or root cannot read it (NFS with root_squash).",
    "Give the SSH user a home on a local disk of the host.",
  ),
  E_SFTP: one(
    "Files cannot be copied to the host with sftp, or not to the home of the SSH user.",
    "Set `Subsystem sftp internal-sftp` in sshd_config, without ChrootDirectory for the SSH user.",
  ),
  E_SUDO: one(
    "No sudo rule lets the SSH user become root without a password. As a warning: other sudo rules give a user of the site more or fewer rights than the site file.",
    "Add the rule that the message shows to a file in /etc/sudoers.d.",
  ),
  E_SUDO_MISSING: one("There is no sudo on the host.", "Install sudo, or connect as root."),
  E_SUDO_TTY: one("The host's sudo requires a terminal.", "Set `!requiretty` for the SSH user in sudoers."),
  E_SUDO_ORDER: one(
    "A sudo rule without a password exists, and a later one asks for it; sudo applies the last rule that matches.",
    "Put the rule into a file that sudo reads last, or remove the later one.",
  ),
  E_SUDO_COMMAND: one("The sudo rules allow only some commands.", "Allow the SSH user all commands as root."),
  E_SUDO_FILE: one(
    "The host's sudo ignores a sudoers file because of its owner, its mode or a syntax error.",
    "Run `visudo -c` on the host, then give the file root:root and mode 0440.",
  ),
  E_SUDO_EXEC: one(
    "The sudo rule prevents root's shell from starting programs (noexec).",
    "Set `!noexec` for the SSH user in sudoers, and remove `NOEXEC:` from the rule.",
  ),
  E_SUDO_ROOT: one(
    "The host's sudo runs commands as another user than root (runas_default).",
    "Set `runas_default=root` for the SSH user in sudoers.",
  ),
  E_SUDO_SETUID: one(
    "The host's sudo cannot become root: no setuid bit, a nosuid file system, or NoNewPrivileges.",
    "Restore mode 4755, and remove nosuid or NoNewPrivileges.",
  ),
  E_SUDO_ACCOUNT: one(
    "PAM does not allow the account of the SSH user to use sudo.",
    "Check `chage -l`, `passwd -S` and /etc/pam.d/sudo on the host.",
  ),
  E_MACHINE_ID: one(
    "The host has no machine id, like a machine image before its first boot.",
    "Run `systemd-machine-id-setup` on the host and restart it.",
  ),
} as const satisfies ErrorChapter["codes"];

const hostCodes = {
  E_OS: one(
    "Sealift does not support the operating system.",
    "Install a supported system; the message lists them.",
  ),
  E_ARCH: one("The processor architecture differs from the site file.", "Correct `architecture`."),
  E_HOST_TOOLS: one(
    "Commands that the phases need are not installed.",
    "Install the packages in the message.",
  ),
  E_DISK_ABSENT: one("The disk does not exist on this host.", "Correct the name, or attach the disk."),
  E_DISK_IN_USE: one(
    "The disk has data, a partition table or a file system. Sealift never erases a disk.",
    "Choose another disk. If the data is really not needed, erase the disk manually.",
  ),
  E_DISK_TOO_SMALL: one("The volumes do not fit on the disks.", "Make volumes smaller, or add a disk."),
  E_DISK_SERIAL: one(
    "The serial number of the disk differs from the site file.",
    "Find out which disk is intended, and correct the site file.",
  ),
  E_ACCOUNT_FILES: one(
    "Not even root can write a file of the host's accounts, such as `/etc/passwd`: it has the attribute immutable, or its file system is read-only.",
    "Remove the attribute with `chattr -i`, or remount the file system read-write.",
  ),
  E_DISK_PATHS: one(
    "The host sees the disk through several paths, such as a LUN of an array, and multipath is not configured for it.",
    "Set up multipathd and use the `dm-uuid-mpath-` name of the disk.",
  ),
  E_VOLUME_GROUP: one(
    "The volume group differs from the site file.",
    "Compare `vgs` and `pvs` with the site file.",
  ),
  E_VOLUME_SPACE: one("The volume group has too little free space.", "Make volumes smaller, or add a disk."),
  E_VOLUME_KIND: one(
    "The logical volume is not linear.",
    "Choose another name, or move the data of the volume.",
  ),
  E_SHRINK: one(
    "The volume would become smaller. Sealift never shrinks a volume.",
    "Set at least its current size.",
  ),
  E_FILESYSTEM: one(
    "The existing file system differs from the site file. Sealift never formats a volume that has data.",
    "Set the existing file system in the site file, or use another volume.",
  ),
  E_MOUNT_POINT: one(
    "A mount point is not safe, or is in use.",
    "Resolve the finding; use a directory that root owns.",
  ),
  E_MOUNT_ABSENT: one("A mount that others manage does not exist.", "Mount it, or correct `existing`."),
  E_MOUNT_BOOT: one(
    "A mount that others manage would be missing after a reboot.",
    "Add it to /etc/fstab or create a mount unit.",
  ),
  E_MOUNT_SPACE: one(
    "A mount that others manage has less free space than `minFree`.",
    "Free up space, or lower `minFree`.",
  ),
  E_MOUNT_OPTIONS: one(
    "A mount has options that the engine does not support.",
    "Remount it without these options, and correct /etc/fstab.",
  ),
  E_NO_SPACE: one(
    "A file system has too little free space or too few free inodes.",
    "Free up space there, then run the command again.",
  ),
  E_UNMANAGED_ENGINE: one(
    "Another Docker engine is installed or running.",
    "Adopt it as described in docs/guide/adopt-a-docker-host.md, or remove it.",
  ),
  E_UNMANAGED_UNIT: one(
    "Files that Sealift did not write define or change a systemd unit.",
    "Remove these files.",
  ),
  E_MEMORY: one("The host has less than 1 GiB of memory.", "Add memory."),
  E_HOSTNAME: one("The host cannot resolve its own name.", "Add the name to /etc/hosts."),
  E_CLOCK: one(
    "The host's clock differs from the operator's.",
    "Correct the clock that is wrong, and synchronize it with a time server.",
  ),
  E_KERNEL: one(
    "The kernel lacks features that Docker needs.",
    "Install all packages of the kernel, or boot the newest kernel.",
  ),
  E_CGROUP: one(
    "Control groups that the engine needs are not available.",
    "Correct the kernel command line, and reboot.",
  ),
  E_IPTABLES: one(
    "The command iptables does not work.",
    "Run the reported command manually; choose nft or legacy with update-alternatives.",
  ),
  E_DAEMON_NEEDS: one(
    "The host lacks something that daemon.json refers to: a bridge, a user with subordinate ids, a file, a program, IP forwarding, or SELinux. The engine would not start.",
    "Create it on the host, or remove the key from `daemon` in the site file.",
  ),
  E_APPARMOR: one(
    "AppArmor is enabled and its parser is missing, so Docker silently runs containers without their profile.",
    "Install the package apparmor.",
  ),
  E_SELINUX: one(
    "SELinux is enforcing, and Sealift does not label files.",
    "Make it permissive, or label the files yourself.",
  ),
  E_SYSCTL: one(
    "A kernel parameter is below what containers need.",
    "Set it in /etc/sysctl.d and run `sysctl --system`.",
  ),
  E_PORT: one(
    "A port is in use, or a process listens on a port of an unprotected engine.",
    "Stop the process that listens there.",
  ),
  E_MTU: one(
    "The MTU of the network interface is smaller than that of the container networks.",
    "Set `daemon.mtu`.",
  ),
  E_ADDRESS_POOL: one(
    "Container networks overlap networks of the site.",
    "Set `daemon.default-address-pools`.",
  ),
  E_RESOLVER: one("Containers would have no name server.", "Set `daemon.dns`."),
  E_FIREWALL: one(
    "A firewall service would remove the engine's rules, or be bypassed by published ports.",
    "Disable it, or use the chain DOCKER-USER.",
  ),
  E_NETWORK_FILTER: one(
    "The kernel or systemd of this host cannot filter the addresses that a unit may reach.",
    "Boot a kernel with cgroup BPF.",
  ),
  E_UID_TAKEN: one(
    "The uid or the user name belongs to another account.",
    "Choose another uid or name, or adopt the account.",
  ),
  E_GID_TAKEN: one("The gid or the group name belongs to another group.", "Choose another group."),
  E_HOME: one(
    "The home is not at the path in the site file, does not belong to the user, or is not safe to write to.",
    "Correct it on the host or in the site.",
  ),
  E_LOCKOUT: one("The change would lock out the SSH user of this run.", "Connect as another user first."),
  E_UNMANAGED_MEMBERS: one(
    "The group docker has members, or accounts have access, that are not listed in the site.",
    "Add them to the site, or remove them.",
  ),
  E_SSHD: one(
    "The host's sshd reads keys from another place, or would ignore the keys that Sealift writes.",
    "Correct sshd's configuration.",
  ),
  E_IMAGE_STORE: one(
    "The host keeps its images in the other image store.",
    "Choose the store that is in use, or remove the images first.",
  ),
  E_DATA_ROOT: one(
    "A data root has data that the engine of the site would not see: after a change of the setting, or from another Docker.",
    "Keep the setting, move the data, or adopt it as described in docs/guide/adopt-a-docker-host.md.",
  ),
  E_UPGRADE_PATH: one(
    "Docker does not support the upgrade from the current engine version to the new one.",
    "First upgrade to the version in the message.",
  ),
  E_LIMIT_IN_USE: one("Containers use more than the new limit.", "Stop containers, or set a higher limit."),
  E_APP_FOLDER: one(
    "Another user than root can change the folder from which root runs an application.",
    "Restrict the folder to root.",
  ),
  E_VOLUME_RECREATE: one(
    "A named volume has another definition in the new release, and Compose could only replace it with an empty one. Nothing was changed.",
    "Keep its definition, or give the volume a new name in the Compose file and move its data.",
  ),
  E_APP_UPDATE: one(
    "A release of an application did not become healthy, or did not stay healthy, or the one-shot before its update failed. The finding says which release runs.",
    "Correct the release in a new version, or set `version` in the site back to the one before.",
  ),
  E_REGISTRY_NAME: one(
    "The registry's name resolves to another address on this host.",
    "Remove the other entries, or choose another name.",
  ),
  E_REGISTRY_CA: one(
    "A registry host reports another CA than the accepted one, or a CA that can sign for more than the registry.",
    "Find out why it changed before any host trusts it.",
  ),
  E_SECRET_DECRYPT: one(
    "A secret cannot be decrypted with the key that should: on a host its own ssh host key, on the operator's machine the recovery key.",
    "Find out which key it was encrypted for; encrypt it again with `sealift secret rekey`.",
  ),
  E_REFUSED: one("A guard on the host refused the change.", "Resolve the finding."),
} as const satisfies ErrorChapter["codes"];

const runCodes = {
  E_HOST_LOCKED: one("Another run is changing this host.", "Wait until it ends."),
  E_LIBRARY_CHECKSUM: one("The shell library arrived damaged on the host.", "Run `pulumi up` again."),
  E_PLAN_TRUNCATED: one("The plan arrived incomplete on the host.", "Run `pulumi up` again."),
  E_RUN_LOST: one(
    "The run on the host ended without a result.",
    "Run `pulumi up` again; it continues where this one stopped.",
  ),
  E_STEP_FAILED: one(
    "A step was applied, and its fact still does not hold.",
    "Resolve the finding, then run `pulumi up` again.",
  ),
  E_GATE: one(
    "A host of a wave is not healthy, so the next wave did not start.",
    "Resolve the finding, then run `pulumi up` again.",
  ),
  E_FACT: one(
    "A fact does not hold after the run, although the host was changed, or because `--target` or `--exclude` left it out.",
    "Find out what reverts the change, then run `pulumi up` again, without `--target` and `--exclude`.",
  ),
} as const satisfies ErrorChapter["codes"];

/** Every code, in the order of the reference page. */
export const errorChapters: readonly ErrorChapter[] = [
  { title: "The site file", codes: siteCodes },
  { title: "The operator's machine", codes: operatorCodes },
  { title: "The bundle and receipts", codes: bundleCodes },
  { title: "The connection to a host", codes: reachCodes },
  { title: "The login", codes: loginCodes },
  { title: "The host", codes: hostCodes },
  { title: "A run", codes: runCodes },
];
