import { at, isPositive, type RuleResource } from "./rule.ts";

/** Reads the limits of containers and services of the provider `docker`, and the plan of each host of Sealift. */
export function limits({ type, name, urn, props }: RuleResource): readonly string[] {
  switch (type) {
    case "docker:index/container:Container": {
      const cpu =
        isPositive(at(props, "cpus")) ||
        (isPositive(at(props, "cpuQuota")) && isPositive(at(props, "cpuPeriod")));
      return missing(name, { memory: isPositive(at(props, "memory")), cpus: cpu });
    }
    case "docker:index/service:Service": {
      const set = at(props, "taskSpec", "resources", "limits");
      return missing(name, {
        "taskSpec.resources.limits.memoryBytes": isPositive(at(set, "memoryBytes")),
        "taskSpec.resources.limits.nanoCpus": isPositive(at(set, "nanoCpus")),
      });
    }
    case "command:remote:Command": {
      // First, because a preview does not know the plans of some other phases.
      if (!urn.includes("$sealift:daemon:Daemon$")) return [];
      const plan = at(props, "stdin");
      if (typeof plan !== "string") return [];
      // The daemon phase of a host with containerLimits has this step.
      return /^step daemon\.limits /m.test(plan)
        ? []
        : [
            `${name} provisions a host without limits for its containers; set containerLimits in the site file`,
          ];
    }
    default:
      return [];
  }
}

function missing(name: string, present: Readonly<Record<string, boolean>>): readonly string[] {
  const keys = Object.keys(present).filter((key) => present[key] !== true);
  return keys.length === 0 ? [] : [`${name} has no limit in ${keys.join(" and ")}; set a value above 0`];
}
