/** The file name of a receipt. Pure. */
import type { Receipt } from "./receipt.ts";

/** The only name that a receipt may have in its chain. */
export function receiptName({ site, ended }: Pick<Receipt, "site" | "ended">): string {
  return `${site}-${ended.replaceAll(/[-:]|\.\d+/g, "")}.json`;
}
