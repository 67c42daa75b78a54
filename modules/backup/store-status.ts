/** What a store says about the repositories in it. Pure. */
import { wordsOf } from "./status-words.ts";

export interface RepositoryStatus {
  /** `node-a`; on a host of `copies`: `store-a/node-a`. */
  readonly path: string;
  /** Of the last maintenance; absent: there was none. */
  readonly result?: RepositoryResult;
  /** When part of its content was last read and compared, ISO 8601, UTC. */
  readonly checked?: string;
  readonly backups?: number;
  readonly bytes?: number;
  /** When everything was last copied, by the name of the host that has the copy. */
  readonly copied: readonly { readonly host: string; readonly at: string }[];
}

const results = ["ok", "damaged", "failed", "absent"] as const;
type RepositoryResult = (typeof results)[number];

/** The step whose value this is. */
export const storeStatusCode = "store.status";

const mostRepositories = 1000;
const path = /^[A-Za-z0-9._-]{1,100}(\/[A-Za-z0-9._-]{1,100})?$/;
const host = /^[A-Za-z0-9.-]{1,100}$/;

/** Untrusted input from the host. @param value as store-maintenance.sh writes it; what has another form is left out. */
export function parseStoreStatus(value: string): readonly RepositoryStatus[] {
  return value.split(";", mostRepositories).flatMap((part) => {
    const [name = "", ...words] = part.trim().split(" ");
    if (!path.test(name)) return [];
    const found = wordsOf(words.join(" "));
    const result = results.find((one) => one === found.text("result"));
    const [checked, backups, bytes] = [
      found.time("checked"),
      found.number("snapshots"),
      found.number("bytes"),
    ];
    return [
      {
        path: name,
        ...(result === undefined ? {} : { result }),
        ...(checked === undefined ? {} : { checked }),
        ...(backups === undefined ? {} : { backups }),
        ...(bytes === undefined ? {} : { bytes }),
        copied: found.keys("copied.").flatMap((key) => {
          const [to, at] = [key.slice("copied.".length), found.time(key)];
          return at === undefined || !host.test(to) ? [] : [{ host: to, at }];
        }),
      },
    ];
  });
}
