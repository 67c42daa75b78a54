/** What a receipt is called. Pure. */
import type { Receipt } from "./receipt.ts";

/** The one name that a receipt may have: another one under it, or a copy under another, is none of its chain. */
export function receiptName({ site, ended }: Pick<Receipt, "site" | "ended">): string {
  return `${site}-${ended.replaceAll(/[-:]|\.\d+/g, "")}.json`;
}
