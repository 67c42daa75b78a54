/** What has come to a guest, by which of its two ways. */
import type { Guest } from "../guest.ts";
import { segmentCard } from "../guest-segment.ts";

/** Bytes. */
export interface Received {
  /** Over the operator's line. */
  readonly operator: number;
  /** From other hosts of its segment. */
  readonly segment: number;
}

/** As the guest's own cards have counted since it was started. */
export async function received(guest: Guest): Promise<Received> {
  const count = (card: string): string => `/sys/class/net/${card}/statistics/rx_bytes`;
  const operator = `$(ip -o -4 addr | awk '$4 ~ /^10\\.0\\.2\\./ { print $2 }')`;
  const { stdout } = await guest.exec(`cat ${count(operator)} ${count(segmentCard)}`);
  const [first = 0, second = 0] = stdout.trim().split("\n").map(Number);
  return { operator: first, segment: second };
}
