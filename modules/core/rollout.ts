/** In which order hosts change, and when the next ones may. */
export interface RolloutSpec {
  /** How many hosts change together, first wave first; the last one counts for all that follow. @default [1, "10%", "100%"] */
  readonly waves?: readonly (number | string)[];
  /** At most so many hosts at a time, whatever the wave says. @default no limit of its own */
  readonly maxUnavailable?: number | string;
  /** Hosts of one rack only in a wave. @default false */
  readonly perRack?: boolean;
  /** A command that has to end with 0 on each host of a wave before the next one begins. @default none */
  readonly gate?: string;
}
