/** The order in which hosts change, and the condition for the next ones. */
export interface RolloutSpec {
  /**
   * How many hosts change together, first wave first; the last value applies to all further waves.
   *
   * @default [1, "10%", "100%"]
   */
  readonly waves?: readonly (number | string)[];
  /** Maximum number of hosts that change at a time, whatever the wave's size. @default no limit */
  readonly maxUnavailable?: number | string;
  /** Hosts of only one rack in a wave. @default false */
  readonly perRack?: boolean;
  /** A command that must exit with 0 on each host of a wave before the next one starts. @default none */
  readonly gate?: string;
}
