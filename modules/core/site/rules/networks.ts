/** Rules of the networks that a site declares. */
import { parseCidr } from "../address.ts";
import { hostBits } from "./daemon-addresses.ts";
import type { Problem } from "../../errors.ts";
import type { SiteFile } from "../merge.ts";
import { shown } from "../../shown.ts";
import type { ProblemBuilder } from "./problem-builder.ts";

export function networkProblems(file: SiteFile, problemAt: ProblemBuilder): readonly Problem[] {
  return (file.networks ?? []).flatMap((text, index) => {
    const cidr = parseCidr(text);
    if (cidr !== undefined && cidr.value === cidr.first) return [];
    if (cidr !== undefined)
      return [problemAt(["networks", index], "E_VALUE", shown(text), ...hostBits(cidr))];
    const fix = "write it like 10.20.0.0/16";
    return [problemAt(["networks", index], "E_VALUE", shown(text), "a network in CIDR notation", fix)];
  });
}
