/**
 * Pulumi's SDK creates many promises for each resource. They live until Pulumi has replied, long enough to count as old, and are garbage soon after. By
 * default, V8 lets the heap grow to several times its content before it collects old objects.
 */
import { setFlagsFromString } from "node:v8";

/** From here on, V8 collects old objects when the heap has grown by half. Source: V8 13.6, src/flags/flag-definitions.h (`heap_growing_percent`). */
export function limitGarbage(): void {
  setFlagsFromString("--heap-growing-percent=50");
}
