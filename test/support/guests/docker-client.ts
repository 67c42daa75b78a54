/** The docker client of an operator: the one that travels in the bundle, with settings and contexts of a test's own. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verifyBundle } from "../../../offline-bundle/verify.ts";
import type { LabBundle } from "../../lab/bundle/bundle.ts";
import type { Guest } from "../../lab/guest.ts";
import { architecture } from "../../lab/bundle/engine.ts";
import { hostKeyAlias } from "../../lab/identity.ts";
import { runProcess } from "../process/run-process.ts";

export interface DockerClient {
  readonly run: (...args: readonly string[]) => ReturnType<typeof runProcess>;
  readonly end: () => void;
}

/** @param guest whose host key is known and whose key opens it, as a person's ~/.ssh/config would have it. */
export async function dockerClient(bundle: LabBundle, guest: Guest): Promise<DockerClient> {
  const verified = await verifyBundle(bundle.directory, { allowedSigners: bundle.allowedSigners });
  const archive = verified.engine(bundle.engineVersion, architecture);
  if (archive === undefined) throw new Error(`no engine ${bundle.engineVersion} in ${bundle.directory}`);
  const folder = mkdtempSync(join(tmpdir(), "sealift-docker-"));
  execFileSync("tar", ["-xzf", archive.path, "-C", folder, "--strip-components=1", "docker/docker"]);
  const settings = [
    "Host 127.0.0.1",
    `  HostKeyAlias ${hostKeyAlias}`,
    `  UserKnownHostsFile "${guest.ssh.knownHostsFile}"`,
    `  IdentityFile "${guest.identityFile}"`,
    "  IdentitiesOnly yes",
    "  BatchMode yes",
  ];
  writeFileSync(join(folder, "ssh_config"), settings.join("\n") + "\n");
  // ssh takes ~ from the password file, not from HOME: only -F gives it another file.
  writeFileSync(join(folder, "ssh"), `#!/bin/sh\nPATH=\${PATH#*:} exec ssh -F '${folder}/ssh_config' "$@"\n`);
  chmodSync(join(folder, "ssh"), 0o755);
  const env = {
    PATH: `${folder}:${process.env["PATH"] ?? ""}`,
    DOCKER_CONFIG: join(folder, "config"),
    DOCKER_HOST: "",
    DOCKER_CONTEXT: "",
  };
  return {
    run: (...args) => runProcess(join(folder, "docker"), args, { env }),
    end: () => {
      rmSync(folder, { recursive: true });
    },
  };
}
