/** Rules of what containers may use, and of how the engine is told. */
import type { Problem } from "../errors.ts";
import { containersSlice } from "../profiles.ts";
import { shown } from "../shown.ts";
import { list, map, text, type DaemonHost } from "./daemon-host.ts";

interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

export function limitRules(site: DaemonHost): readonly Problem[] {
  return [...ulimits(site), ...slices(site), ...labels(site)];
}

/** The kernel refuses such a pair when a container starts, not when the daemon does. */
function ulimits({ host, tell }: DaemonHost): Problem[] {
  return Object.entries(map(host, "default-ulimits") as Readonly<Record<string, Ulimit>>).flatMap(
    ([name, { Name, Soft, Hard }]) => {
      if (Name !== name) {
        return [
          tell(
            ["default-ulimits", name, "Name"],
            "E_VALUE",
            shown(Name),
            shown(name),
            "write the same name twice",
          ),
        ];
      }
      const endless = (limit: number): number => (limit === -1 ? Infinity : limit);
      if (endless(Soft) <= endless(Hard)) return [];
      const expected = `at most Hard, which is ${Hard}`;
      return [
        tell(
          ["default-ulimits", name, "Soft"],
          "E_VALUE",
          String(Soft),
          expected,
          "lower Soft or raise Hard",
        ),
      ];
    },
  );
}

function slices({ host, tell, tellLimit }: DaemonHost): Problem[] {
  const [driver = ""] = list(host, "exec-opts");
  const parent = text(host, "cgroup-parent");
  const limited = host.containerLimits !== undefined;
  if (limited && parent !== containersSlice) {
    const expected = `no cgroup-parent beside containerLimits, which are those of ${containersSlice}`;
    return [tell(["cgroup-parent"], "E_CONFLICT", shown(parent), expected, "remove one of the two")];
  }
  if (parent === undefined || !driver.endsWith("cgroupfs")) return [];
  const got = `${shown(driver)} beside ${limited ? "containerLimits" : "a slice"}`;
  const expected = "the systemd cgroup driver, which alone knows slices";
  const first = Object.keys(host.containerLimits ?? {})[0] ?? "";
  return [
    text(host, "exec-opts") === undefined
      ? tellLimit([first], "E_CONFLICT", got, expected, "remove exec-opts")
      : tell(["exec-opts", 0], "E_CONFLICT", got, expected, "remove exec-opts"),
  ];
}

/** Names that ValidateLabel keeps for the engine (opts/opts.go, moby 26.1 to 29.7.2). */
const reserved = /^(com\.docker|io\.docker|org\.dockerproject)\./i;

/** dockerd --validate tells both too, but only on the host. */
function labels({ host, tell }: DaemonHost): Problem[] {
  const first = new Map<string, string>();
  return list(host, "labels").flatMap((label, index) => {
    const say = (code: "E_DUPLICATE" | "E_VALUE", expected: string, todo: string): Problem[] => [
      tell(["labels", index], code, shown(label), expected, todo),
    ];
    if (reserved.test(label)) {
      const expected =
        "a key outside of com.docker, io.docker and org.dockerproject, which are the engine's own";
      return say("E_VALUE", expected, "take a name of your own, like site.rack=r1");
    }
    const key = label.slice(0, label.indexOf("="));
    const earlier = first.get(key);
    first.set(key, earlier ?? label);
    if (earlier === undefined) return [];
    const expected = `one label "${key}"; there is ${shown(earlier)} already`;
    return say("E_DUPLICATE", expected, "remove one of the two");
  });
}
