/** Rules across keys: what no schema can say. Pure; every problem at once. */
import type { ErrorCode, Problem } from "./errors.ts";
import type { Locate, Path } from "./locate.ts";
import type { MergedHost, SiteFile } from "./merge.ts";
import { shown, subject } from "./schema.ts";
import type { LogicalVolumeSpec, UserSpec } from "./site.ts";

type Say = (path: Path, code: ErrorCode, got: string, expected: string, todo: string) => Problem;

export function siteProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  place: Locate,
): readonly Problem[] {
  const say: Say = (path, code, got, expected, todo) => ({
    where: place(path),
    code,
    subject: subject(path),
    got,
    expected,
    todo,
  });
  return [
    ...duplicates(file.hosts, ["hosts"], "name", say),
    ...duplicates(file.hosts, ["hosts"], (host) => `${host.address}:${host.port ?? 22}`, say, "address"),
    ...hosts.flatMap((host, index) => missing(host, ["hosts", index], say)),
    ...sections(file).flatMap(([path, users]) => userProblems(users, path, say)),
    ...logicals(file).flatMap(([path, logical]) => volumeProblems(logical, path, say)),
    ...hosts.flatMap((host, index) => dataRootProblems(host, ["hosts", index], say)),
    ...hosts.flatMap((host, index) => logProblems(host, ["hosts", index], say)),
  ];
}

/** The user lists that are written down, each once, however many hosts inherit it. */
function sections(file: SiteFile): [Path, readonly UserSpec[]][] {
  const own = file.hosts.flatMap(({ users }, index): [Path, readonly UserSpec[]][] =>
    users === undefined ? [] : [[["hosts", index, "users"], users]],
  );
  return file.users === undefined ? own : [[["users"], file.users], ...own];
}

function logicals(file: SiteFile): [Path, readonly LogicalVolumeSpec[]][] {
  const own = file.hosts.flatMap(({ volumes }, index): [Path, readonly LogicalVolumeSpec[]][] =>
    volumes?.logical === undefined ? [] : [[["hosts", index, "volumes", "logical"], volumes.logical]],
  );
  const shared = file.volumes?.logical;
  return shared === undefined ? own : [[["volumes", "logical"], shared], ...own];
}

function missing(host: MergedHost, path: Path, say: Say): Problem[] {
  const wanted: [Path, unknown, string][] = [
    [["volumes", "disk"], host.volumes.disk, "disk: /dev/disk/by-id/<the disk's own name>"],
    [["volumes", "logical"], host.volumes.logical, "logical: with svc, logs and data"],
    [["engine", "version"], host.engine.version, "version: and an engine of the bundle"],
    [["daemon", "data-root"], host.daemon["data-root"], "data-root: and a path on a volume"],
  ];
  return wanted
    .filter(([, value]) => value === undefined)
    .map(([key, , todo]) =>
      say([...path, ...key], "E_KEY_MISSING", "nothing", "it here or for the whole site", `add ${todo}`),
    );
}

function userProblems(users: readonly UserSpec[], path: Path, say: Say): Problem[] {
  const range = users.flatMap((user, index) =>
    user.systemUid === true || (user.uid >= 1000 && user.uid <= 59_999)
      ? []
      : [
          say(
            [...path, index, "uid"],
            "E_UID_RANGE",
            String(user.uid),
            "1000 to 59999, the range for people",
            "take another uid, or set systemUid: true if this one is meant",
          ),
        ],
  );
  return [...duplicates(users, path, "name", say), ...duplicates(users, path, "uid", say), ...range];
}

function volumeProblems(logical: readonly LogicalVolumeSpec[], path: Path, say: Say): Problem[] {
  return [...duplicates(logical, path, "name", say), ...duplicates(logical, path, "mount", say)];
}

function dataRootProblems(host: MergedHost, path: Path, say: Say): Problem[] {
  const root = host.daemon["data-root"];
  const mounts = (host.volumes.logical ?? []).map(({ mount }) => mount);
  if (root === undefined || mounts.length === 0) return [];
  if (mounts.some((mount) => root === mount || root.startsWith(`${mount}/`))) return [];
  const expected = `a path on a logical volume (${mounts.join(", ")})`;
  return [
    say([...path, "daemon", "data-root"], "E_VALUE", shown(root), expected, "move it onto the data volume"),
  ];
}

function logProblems(host: MergedHost, path: Path, say: Say): Problem[] {
  if (host.daemon["log-driver"] !== "journald" || host.daemon["log-opts"] === undefined) return [];
  const at = [...path, "daemon", "log-opts"];
  const expected = "no log-opts with log-driver journald";
  return [
    say(at, "E_VALUE", shown(host.daemon["log-opts"]), expected, "remove them, or take the local driver"),
  ];
}

/** The second and later of equal values, each told with the place of the first. */
function duplicates<T extends object>(
  items: readonly T[],
  path: Path,
  of: (keyof T & string) | ((item: T) => string),
  say: Say,
  label = typeof of === "string" ? of : "",
): Problem[] {
  const first = new Map<unknown, number>();
  return items.flatMap((item, index) => {
    const value: unknown = typeof of === "string" ? item[of] : of(item);
    const earlier = first.get(value);
    if (earlier === undefined) {
      first.set(value, index);
      return [];
    }
    const expected = `another ${label} than ${subject([...path, earlier])} has`;
    return [
      say([...path, index, label], "E_DUPLICATE", shown(value), expected, "rename or remove one of the two"),
    ];
  });
}
