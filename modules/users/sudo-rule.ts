/** A user's sudo rule as one line of sudoers(5) (sudo 1.9; sudo-rs 0.2 accepts the same). */
import type { UserSpec } from "../core/site/site-spec.ts";

/** All commands as any user, or these command lines as root, without a password; undefined: no rule. */
export function sudoRule({ name, sudo }: Pick<UserSpec, "name" | "sudo">): string | undefined {
  if (sudo === undefined) return undefined;
  if (sudo === "ALL") return `${name} ALL=(ALL:ALL) NOPASSWD: ALL`;
  return `${name} ALL=(root) NOPASSWD: ${sudo.map(escape).join(", ")}`;
}

/** sudoers(5): these four characters are special in the arguments of a command. */
function escape(command: string): string {
  return command.replaceAll(/[,:=\\]/g, String.raw`\$&`);
}
