import { quote } from "../../modules/core/quote.ts";
import { mustBeUnset, pulumiEnv } from "./pulumi/pulumi-env.ts";

/** Prints the lab's environment as lines for a POSIX shell's eval. */
export function printEnv(agentSocket: string | undefined): void {
  for (const name of mustBeUnset) console.log(`unset ${name}`);
  for (const [name, value] of Object.entries(pulumiEnv())) console.log(`export ${name}=${quote(value)}`);
  if (agentSocket !== undefined) console.log(`export SSH_AUTH_SOCK=${quote(agentSocket)}`);
  else
    console.log(
      "# No guest runs: `npm run lab -- start` starts one, with an ssh agent that holds the lab's key.",
    );
}
