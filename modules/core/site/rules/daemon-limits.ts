/** Rules of container limits, and of the keys that set them. */
import type { Problem } from "../../errors.ts";
import { containersSlice } from "../profiles.ts";
import { shown } from "../../shown.ts";
import { list, map, text, type DaemonHost } from "./daemon-host.ts";

interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

export function limitRules(site: DaemonHost): readonly Problem[] {
  return [...ulimits(site), ...slices(site), ...labels(site)];
}

/** The kernel refuses such a pair when a container starts, not when the daemon starts. */
function ulimits({ host, report }: DaemonHost): Problem[] {
  return Object.entries(map(host, "default-ulimits") as Readonly<Record<string, Ulimit>>).flatMap(
    ([name, { Name, Soft, Hard }]) => {
      if (Name !== name) {
        return [
          report(
            ["default-ulimits", name, "Name"],
            "E_VALUE",
            shown(Name),
            shown(name),
            "set Name to the key",
          ),
        ];
      }
      const endless = (limit: number): number => (limit === -1 ? Infinity : limit);
      if (endless(Soft) <= endless(Hard)) return [];
      const expected = `at most Hard (${Hard})`;
      return [
        report(
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

function slices({ host, report, reportLimit }: DaemonHost): Problem[] {
  const [driver = ""] = list(host, "exec-opts");
  const parent = text(host, "cgroup-parent");
  const limited = host.containerLimits !== undefined;
  if (limited && parent !== containersSlice) {
    const expected = `no cgroup-parent together with containerLimits, which apply to ${containersSlice}`;
    return [report(["cgroup-parent"], "E_CONFLICT", shown(parent), expected, "remove one of the two")];
  }
  if (parent === undefined || !driver.endsWith("cgroupfs")) return [];
  const found = `${shown(driver)} together with ${limited ? "containerLimits" : "a slice"}`;
  const expected = "the systemd cgroup driver, the only one that supports slices";
  const first = Object.keys(host.containerLimits ?? {})[0] ?? "";
  return [
    text(host, "exec-opts") === undefined
      ? reportLimit([first], "E_CONFLICT", found, expected, "remove exec-opts")
      : report(["exec-opts", 0], "E_CONFLICT", found, expected, "remove exec-opts"),
  ];
}

/** Names that ValidateLabel reserves for the engine (opts/opts.go, moby 26.1 to 29.7.2). */
const reserved = /^(com\.docker|io\.docker|org\.dockerproject)\./i;

/** dockerd --validate reports both too, but only on the host. */
function labels({ host, report }: DaemonHost): Problem[] {
  const first = new Map<string, string>();
  return list(host, "labels").flatMap((label, index) => {
    const problems = (code: "E_DUPLICATE" | "E_VALUE", expected: string, fix: string): Problem[] => [
      report(["labels", index], code, shown(label), expected, fix),
    ];
    if (reserved.test(label)) {
      const expected =
        "a key outside com.docker, io.docker and org.dockerproject, which are reserved for the engine";
      return problems("E_VALUE", expected, "choose another key, like site.rack=r1");
    }
    const key = label.slice(0, label.indexOf("="));
    const earlier = first.get(key);
    first.set(key, earlier ?? label);
    if (earlier === undefined) return [];
    const expected = `one label with the key "${key}"; ${shown(earlier)} is defined already`;
    return problems("E_DUPLICATE", expected, "remove one of the two");
  });
}
