/** A release asset on GitHub, or what is known of it. */
export interface Archive {
  /** Name of the asset: a .tar.gz, or the program itself. */
  readonly file: string;
  /**
   * 64 hex digits. Absent: no published one was found; then the digest that GitHub shows for the asset is taken at the first
   * use and kept in the cache (first-use.ts).
   */
  readonly sha256?: string;
}

export interface GoModule {
  /** Folder with the go.mod that names the tool and its version, and go.sum: below test/lab/tools unless {@link below} says more. */
  readonly folder: string;
  /** Where the folder is, from the root of the checkout. */
  readonly below?: string;
  readonly package: string;
  readonly flags: readonly string[];
  /** What the build writes. */
  readonly program: string;
  /** A script of the folder that goes by the program's name and starts it, as `<program>.go` beside it. */
  readonly startedBy?: string;
  /** Go files of the folder that take the place of those of a module, by a `replace` in go.mod. */
  readonly ownFiles?: readonly string[];
}

export interface Tool {
  readonly name: string;
  readonly version: string;
  /** Programs that have to lie side by side. */
  readonly programs: readonly string[];
  /** Arguments that make the first program say its version, as a word of its output. */
  readonly versionArguments: readonly string[];
  readonly repository: string;
  /** Where the programs are within the archive. */
  readonly archiveFolder: string;
  /** Absent: it is released in a form that tar does not unpack, and is built. */
  readonly archives?: Readonly<Record<"amd64" | "arm64", Archive>>;
  /** Empty where no tagged module can be had. */
  readonly modules: readonly GoModule[];
}

/** This machine's name in the table. */
export const machine: "amd64" | "arm64" = process.arch === "arm64" ? "arm64" : "amd64";

const pulumiVersion = "3.259.0";
const versionFlag = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

/**
 * Every tool that is neither an npm module nor a distribution's package, with its one version. None of them is in Debian at
 * this version (oras: trixie 1.2; age: trixie 1.2.1; restic: trixie 0.18.0; pulumi: not at all).
 */
export const tools: readonly Tool[] = [
  {
    name: "pulumi",
    version: pulumiVersion,
    programs: ["pulumi", "pulumi-language-nodejs"],
    versionArguments: ["version"],
    repository: "pulumi/pulumi",
    archiveFolder: "pulumi/",
    archives: {
      amd64: { file: `pulumi-v${pulumiVersion}-linux-x64.tar.gz` },
      arm64: { file: `pulumi-v${pulumiVersion}-linux-arm64.tar.gz` },
    },
    modules: [
      {
        folder: "pulumi",
        package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        flags: ["-tags", "osusergo,grpcnotrace", "-ldflags", `-s -w -X ${versionFlag}=v${pulumiVersion}`],
        program: "pulumi",
      },
      {
        // The language host has no tagged module after this; it drives the CLI and SDK of 3.259.0 (run, Node 24.21.0).
        folder: "pulumi-language-nodejs",
        package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
        flags: ["-tags", "osusergo,grpcnotrace", "-ldflags", `-s -w -X ${versionFlag}=v3.68.0`],
        program: "pulumi-language-nodejs",
        startedBy: "language-host.sh",
      },
    ],
  },
  {
    name: "oras",
    version: "1.3.3",
    programs: ["oras"],
    versionArguments: ["version"],
    repository: "oras-project/oras",
    archiveFolder: "",
    archives: {
      // amd64: the same in more than eight public files; arm64: in one that has the amd64 value right too.
      amd64: {
        file: "oras_1.3.3_linux_amd64.tar.gz",
        sha256: "9ce999f8d2de03fc03968b29d743077a58783e545e5eaa53917ca177352d0e59",
      },
      arm64: {
        file: "oras_1.3.3_linux_arm64.tar.gz",
        sha256: "ac7156f93a21e903f7ad606c792f3560f17e0cd0e36365634701b1e7cc4e4eca",
      },
    },
    modules: [
      { folder: "oras", package: "oras.land/oras/cmd/oras", flags: ["-ldflags", "-s -w"], program: "oras" },
    ],
  },
  {
    name: "registry",
    version: "3.1.2",
    programs: ["registry"],
    versionArguments: ["--version"],
    repository: "distribution/distribution",
    archiveFolder: "",
    archives: {
      // The same in the official image's recipe and in two more public files.
      amd64: {
        file: "registry_3.1.2_linux_amd64.tar.gz",
        sha256: "40df2224d410f72ae425c3371873b078bbdbda3b8b612be9571f0e6751f3acc8",
      },
      arm64: {
        file: "registry_3.1.2_linux_arm64.tar.gz",
        sha256: "09d26f88d2c0f161bd1b8bfc6c123571cc3d291dcca8af5477b3cacc4ec95e73",
      },
    },
    modules: [
      {
        folder: "registry",
        package: "github.com/distribution/distribution/v3/cmd/registry",
        flags: ["-ldflags", "-s -w -X github.com/distribution/distribution/v3/version.version=v3.1.2"],
        program: "registry",
      },
    ],
  },
  {
    name: "age",
    version: "1.3.1",
    programs: ["age", "age-keygen"],
    versionArguments: ["--version"],
    repository: "FiloSottile/age",
    archiveFolder: "age/",
    archives: {
      amd64: { file: "age-v1.3.1-linux-amd64.tar.gz" },
      arm64: { file: "age-v1.3.1-linux-arm64.tar.gz" },
    },
    modules: ["age", "age-keygen"].map((program) => ({
      folder: "age",
      package: `filippo.io/age/cmd/${program}`,
      flags: ["-ldflags", "-s -w -X main.Version=v1.3.1"],
      program,
    })),
  },
  {
    name: "restic",
    version: "0.19.1",
    programs: ["restic"],
    versionArguments: ["version"],
    repository: "restic/restic",
    archiveFolder: "",
    modules: [
      {
        folder: "restic",
        package: "github.com/restic/restic/cmd/restic",
        flags: ["-tags", "disable_grpc_modules", "-ldflags", "-s -w"],
        program: "restic",
        ownFiles: ["simple-scrypt/scrypt.go"],
      },
    ],
  },
  {
    name: "rest-server",
    version: "0.14.0",
    programs: ["rest-server"],
    versionArguments: ["--version"],
    repository: "restic/rest-server",
    archiveFolder: `rest-server_0.14.0_linux_${machine}/`,
    archives: {
      amd64: { file: "rest-server_0.14.0_linux_amd64.tar.gz" },
      arm64: { file: "rest-server_0.14.0_linux_arm64.tar.gz" },
    },
    modules: [
      {
        folder: "rest-server",
        package: "github.com/restic/rest-server/cmd/rest-server",
        flags: ["-ldflags", "-s -w"],
        program: "rest-server",
      },
    ],
  },
];

const composeVersion = "5.5.0";
const compose = "github.com/docker/compose/v5";

/** The Compose plugin of today; a minute to build, so only those that want it have it (have-compose.ts). trixie has 2.26. */
export const composePlugin: Tool = {
  name: "compose",
  version: composeVersion,
  programs: ["docker-compose"],
  versionArguments: ["version"],
  repository: "docker/compose",
  archiveFolder: "",
  archives: {
    amd64: { file: "docker-compose-linux-x86_64" },
    arm64: { file: "docker-compose-linux-aarch64" },
  },
  modules: [
    {
      folder: "compose",
      package: `${compose}/cmd`,
      flags: ["-ldflags", `-s -w -X ${compose}/internal.Version=v${composeVersion}`],
      program: "docker-compose",
    },
  ],
};

const commandVersion = "1.2.1";

/** The provider of @pulumi/command; its Go module has no tags, so it is this archive or the lab's stand-in. */
export const commandPlugin: Tool = {
  name: "command-plugin",
  version: commandVersion,
  programs: ["pulumi-resource-command"],
  versionArguments: [],
  repository: "pulumi/pulumi-command",
  archiveFolder: "",
  archives: {
    amd64: { file: `pulumi-resource-command-v${commandVersion}-linux-amd64.tar.gz` },
    arm64: { file: `pulumi-resource-command-v${commandVersion}-linux-arm64.tar.gz` },
  },
  modules: [],
};
