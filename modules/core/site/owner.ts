/** Owners as written in a site file, and as numbers. */

/** A user of the site as far as ownership is concerned: its own group has the number of its uid. */
export interface Owner {
  readonly name: string;
  readonly uid: number;
}

/**
 * `1500:1500` for `deploy`, `deploy:deploy`, `deploy:1600` or `1500:1500`: a name is root or a user of the site, resolved here
 * and not on the host, so that it is the same number everywhere, even before the user exists.
 *
 * @returns undefined for a name that is not in the site.
 */
export function ownerIds(owner: string, users: readonly Owner[]): string | undefined {
  const [user = "", group = user] = owner.split(":");
  const ids = [user, group].map((word) => idOf(word, users));
  return ids.includes(undefined) ? undefined : ids.join(":");
}

function idOf(word: string, users: readonly Owner[]): number | undefined {
  if (/^\d+$/.test(word)) return Number(word);
  if (word === "root") return 0;
  return users.find(({ name }) => name === word)?.uid;
}
