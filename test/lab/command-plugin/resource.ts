/** What the service needs of a resource type. */
import type { InputSchema } from "./check.ts";
import type { EngineLog } from "./engine-log.ts";
import type { Properties } from "./properties.ts";

export interface Resource {
  readonly inputs: InputSchema;
  /** Properties that replace the resource when they come, go or change as a whole. */
  readonly replaceOnChanges: readonly string[];
  create(operation: Operation): Promise<{ readonly id: string; readonly state: Properties }>;
  /** @returns the new state */
  update(operation: Operation, olds: Properties): Promise<Properties>;
  /** The inputs of a delete are what the state holds. */
  delete(operation: Operation): Promise<void>;
}

export interface Operation {
  readonly urn: string;
  readonly inputs: Properties;
  /** A preview runs nothing and connects to nothing. */
  readonly preview: boolean;
  /** Ends the operation early: the CLI's cancel, or the resource's own timeout. */
  readonly signal: AbortSignal;
  readonly log: EngineLog;
}
