import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { parse } from "yaml";
import { checkout } from "../lab/cache.ts";
import { container } from "../lab/machine-choice.ts";
import { labUser } from "../lab/pulumi/stack.ts";
import { keepTranscript } from "../lab/demo/transcript.ts";
import { installDebianDocker } from "../support/guests/debian-docker.ts";
import { runProcess } from "../support/process/run-process.ts";
import { startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Debian's Docker with data of its own is adopted by following the output of `sealift doctor` word for word. */
describe("a host that already runs Docker", () => {
  let site: SiteUnderTest;
  let version = "";
  /** What doctor has printed between backquotes: commands for the host, and a piece of the site. */
  let printed: readonly string[] = [];
  const undo = undoAfter();
  before(async () => {
    // The old data root has a file system of its own: overlay2 cannot lie on a container's root.
    site = await startSite("adopt", container("/svc", "/logs", "/data", "/var/lib/docker"));
    undo(() => site.end());
    await write();
    version = await installDebianDocker(site.guest, site.lab.bundle);
    const { image } = site.lab.bundle;
    const endlessLoop = "while :; do sleep 1; done";
    for (const command of [
      "docker volume create orders",
      `docker run -d --name web --restart always -v orders:/orders ${image} sh -c "echo kept >/orders/one; echo mine >/own; busybox rm /bin/wget; echo hello; ${endlessLoop}"`,
      `docker run -d --name batch --restart unless-stopped ${image} sleep 100000`,
      `docker run -d --name plain ${image} sleep 100000`,
      `docker create --name never ${image} true`,
      `docker run -d --name halted --restart unless-stopped ${image} sleep 100000`,
      "docker stop -t 0 halted",
      "docker network create shop",
      "docker network connect shop web",
      "head -c 400000000 /dev/urandom >/var/lib/docker/volumes/orders/_data/large",
      "timeout 60 sh -c 'until docker logs web | grep -q hello; do sleep 0.2; done'",
    ])
      await asRoot(command);
  });

  const write = (adopt?: unknown, named: object = {}): Promise<void> =>
    site.write(({ volumes, engine, hosts }) => {
      Object.assign(hosts[0] ?? {}, named);
      volumes.existing = (volumes.existing ?? []).filter(({ mount }) => mount !== "/var/lib/docker");
      Object.assign(engine, adopt);
    });
  const asRoot = (command: string): Promise<string> => site.onHost("sudo sh", undefined, command);
  const doctor = async (): Promise<string> => {
    const { stdout } = await runProcess(
      process.execPath,
      [join("cli", "sealift.js"), "doctor", "lab-adopt"],
      {
        cwd: checkout,
        env: { SSH_AUTH_SOCK: site.env["SSH_AUTH_SOCK"] ?? "" },
      },
    );
    return stdout;
  };
  const sums = (root: string): Promise<string> =>
    asRoot(`cd ${root}/volumes/orders/_data && sha256sum one large`);
  /** The piece of the site that doctor has printed. */
  const piece = (): { engine: { adopt: { from: string; version: string } } } =>
    parse(printed.find((text) => text.startsWith("engine:")) ?? "") as ReturnType<typeof piece>;

  test("doctor refuses it, counts its data, and prints every command; a preview changes nothing", async () => {
    const text = await doctor();
    keepTranscript("adopt-doctor", `$ sealift doctor lab-adopt\n${text}`);
    assert.match(text, /^FAIL {2}adopt: E_UNMANAGED_ENGINE preflight\.engine$/m);
    assert.match(text, /\/var\/lib\/docker has containers: 5, volumes: 1, images: 1 \(engine 26\.1\.5\)/);
    printed = [...text.matchAll(/`([^`]*)`/g)].map(([, command = ""]) => command);
    assert.deepEqual(printed, [
      "sudo systemctl disable --now docker.socket docker.service containerd.service",
      "sudo apt-get remove containerd docker-cli docker.io",
      `engine: { adopt: { from: /var/lib/docker, version: ${version} } }`,
      "pulumi up",
    ]);
    const { exitCode } = await site.pulumi("preview");
    assert.notEqual(exitCode, 0);
    assert.match(await asRoot("docker ps --format {{.Names}}"), /^plain\nbatch\nweb\n$/);
  });

  test("the printed commands stop the engine, remove its packages and keep its data", async () => {
    const [before, log] = [await sums("/var/lib/docker"), [] as string[]];
    for (const command of printed.filter((text) => text.startsWith("sudo "))) {
      const { stdout, stderr, exitCode } = await site.guest.exec(command, { input: "y\n" });
      assert.equal(exitCode, 0, `${command}: ${stderr}`);
      // How far dpkg has read its own lists is of no use to anybody.
      log.push(`$ ${command}\n${stdout.replaceAll(/\(Reading database [^\n]*\n/g, "")}`);
    }
    keepTranscript("adopt-host", log.join("\n"));
    assert.equal(await sums("/var/lib/docker"), before);
  });

  test("without engine.adopt nothing is adopted, and the existing data is reported", async () => {
    const text = await doctor();
    assert.doesNotMatch(text, /E_UNMANAGED_ENGINE|systemctl disable|apt-get remove/);
    assert.match(text, /add\n? *`engine: \{ adopt: \{ from: \/var\/lib\/docker, version: 26\.1\.5 \} \}`/);
    const { output } = await site.pulumi("preview");
    assert.match(output, /E_DATA_ROOT preflight\.data: found: \/var\/lib\/docker has containers: 5/);
  });

  test("an engine that upstream does not support for these containers is refused before anything is changed", async () => {
    const { engine } = piece();
    for (const [adopt, refusal] of [
      [{ ...engine.adopt, version: "24.0.7" }, /E_UPGRADE_PATH .* to 26\.1\.5 skips .*5 containers exist/],
      [{ ...engine.adopt, from: "/srv/none" }, /E_DATA_ROOT .*there is no folder \/srv\/none/],
    ] as const) {
      await write({ adopt });
      const { exitCode, output } = await site.pulumi("preview");
      assert.notEqual(exitCode, 0);
      assert.match(output, refusal);
    }
    await write(engine);
    const { exitCode, output } = await site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    assert.match(
      output,
      /engine\.adopted: found: not in.*; expected: the data of engine 26\.1\.5 was adopted from \/var\/lib\/docker into \/data\/docker; impact/,
    );
    assert.equal(await asRoot("ls -A /data"), "");
  });

  test("a copy that was interrupted can be run again", async () => {
    const cut = asRoot(
      "timeout 100 sh -c 'until pgrep -x cp && [ -d /data/docker.adopting/volumes ]; do :; done' >/dev/null; unit=$(systemctl list-units --plain --no-legend 'sealift-*' | cut -d ' ' -f 1); systemctl kill --signal=KILL $unit; ls /data",
    );
    const [broken, left] = await Promise.all([site.up(), cut]);
    assert.notEqual(broken.exitCode, 0);
    assert.equal(left, "docker.adopting\n");
  });

  test("interrupted between its two renames, the next run completes it with the existing copy", async () => {
    // What lies in data-root is moved away; then the run fails where it notes the version that counts as the one before.
    const stop = "/var/lib/sealift/engine-ran";
    await asRoot(`install -d -m 0710 /data/docker/image && mkdir -p ${stop}/full`);
    const broken = await site.up();
    assert.notEqual(broken.exitCode, 0);
    assert.equal(await asRoot("ls -A /data"), "docker.adopting\ndocker.before-adoption\n");
    const copy = await asRoot("stat -c %i /data/docker.adopting");
    await asRoot(`rm -r ${stop}`);
    const { exitCode, output } = await site.up();
    keepTranscript("adopt-up", `$ pulumi up --stack lab-adopt --yes --skip-preview\n${output}`);
    assert.equal(exitCode, 0, output);
    assert.equal(await asRoot("stat -c %i /data/docker"), copy);
    assert.equal(
      await asRoot("ls -A /data /data/docker.before-adoption"),
      "/data:\ndocker\ndocker.before-adoption\n\n/data/docker.before-adoption:\nimage\n",
    );
    await asRoot("rm -r /data/docker.before-adoption");
  });

  test("containers run again by their restart policies, with their files, volumes and networks", async () => {
    const docker = (command: string): Promise<string> => site.onHost(`docker ${command}`, labUser);
    await asRoot("timeout 60 sh -c 'until docker exec web sh -c true; do sleep 0.2; done'");
    const containers = await docker("ps -a --format 'table {{.Names}}\t{{.State}}\t{{.Image}}'");
    keepTranscript(
      "adopt-ps",
      `$ docker ps -a --format 'table {{.Names}}\\t{{.State}}\\t{{.Image}}'\n${containers}`,
    );
    assert.deepEqual(
      containers
        .split("\n")
        .slice(1)
        .map((line) => line.split(/ +/).slice(0, 2).join(" "))
        .toSorted(),
      ["", "batch running", "halted exited", "never created", "plain exited", "web running"],
    );
    assert.equal(await docker("exec web cat /orders/one /own"), "kept\nmine\n");
    assert.equal(await docker("exec web sh -c 'ls /bin/wget || echo gone'"), "gone\n");
    assert.equal(await docker("inspect web --format '{{.HostConfig.RestartPolicy.Name}}'"), "always\n");
    assert.match(await docker("inspect web --format '{{json .NetworkSettings.Networks}}'"), /"shop"/);
    assert.match(await docker("logs web"), /^hello$/m);
    assert.equal(await docker("info --format '{{.DockerRootDir}}'"), "/data/docker\n");
    assert.equal(await sums("/data/docker"), await sums("/var/lib/docker"));
  });

  test("then it is a host like any other: nothing changes, nothing is reported, and the old data root is unchanged", async () => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.doesNotMatch(await doctor(), /E_DATA_ROOT|FAIL/);
    assert.match(await asRoot("ls /var/lib/docker/containers | wc -l"), /^5$/m);
  });

  test("under another name it is the same host: a preview says so, and with formerName nothing is recreated", async () => {
    const { engine } = piece();
    await write(engine, { name: "shop" });
    const renamed = await site.pulumi("preview");
    assert.match(
      renamed.output,
      /shop: E_RENAMED the host shop: found: the host key that this stack has recorded for adopt;.*; fix: add formerName: adopt/,
    );
    assert.match(renamed.output, /^ +- \d+ to delete$/m);
    await write(engine, { name: "shop", formerName: "adopt" });
    const preview = await site.pulumi("preview", "--expect-no-changes");
    keepTranscript("renamed", `$ pulumi preview --stack lab-adopt\n${preview.output}`);
    assert.equal(preview.exitCode, 0, preview.output);
    assert.doesNotMatch(preview.output, /E_RENAMED|to delete|to create/);
  });
});
