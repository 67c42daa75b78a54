/** The policy pack: what it refuses, and at which level. README.md says which properties each rule reads. */
import { PolicyPack, type Policies } from "@pulumi/policy";
import { engineSource } from "./rules/engine-source.ts";
import { imagePins } from "./rules/image-pins.ts";
import { limits } from "./rules/limits.ts";
import { listeners } from "./rules/listeners.ts";
import { hostsWithoutReceipts } from "./rules/receipts.ts";
import type { Rule } from "./rules/rule.ts";

function resourcePolicy(name: string, description: string, rule: Rule): Policies[number] {
  return {
    name,
    description,
    validateResource: ({ type, name: resource, urn, props }, report) => {
      for (const violation of rule({ type, name: resource, urn, props })) report(violation);
    },
  };
}

new PolicyPack("sealift-policy", {
  enforcementLevel: "mandatory",
  policies: [
    {
      name: "receipt-directory",
      description: "Every host of Sealift belongs to a site that writes receipts.",
      validateStack: ({ resources }, report) => {
        for (const { urn, violation } of hostsWithoutReceipts(resources)) report(violation, urn);
      },
    },
    resourcePolicy(
      "engine-from-bundle",
      "Docker engines come from the signed bundle, not from a package repository or an install script.",
      engineSource,
    ),
    resourcePolicy("no-tcp-listener", "No Docker engine listens on TCP.", listeners),
    resourcePolicy("pinned-images", "Images are named by their digest.", imagePins),
    resourcePolicy("container-limits", "Containers have limits for memory and CPU.", limits),
  ],
});
