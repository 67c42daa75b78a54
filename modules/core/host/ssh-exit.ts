/** The result of a call of ssh, and its cause. */
import type { Problem } from "../errors.ts";

/** Exit code and output of a call of ssh. */
export interface SshExit {
  /** Null after a signal. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Log of the ssh to the jump host. */
  readonly jumpLog: string;
}

/** The cause, as the parts of a problem; `retryable` when a later run may succeed without a fix. */
export interface Cause extends Pick<Problem, "code" | "found" | "expected" | "fix"> {
  readonly retryable?: true;
}
