/**
 * How the work of a pattern grows with the text, decided by its structure. V8 tries one way through a pattern after another (irregexp), so a
 * text that can be read in many ways costs as many tries. How many there are, the automaton of the pattern says (A. Weber and H. Seidl,
 * "On the degree of ambiguity of finite automata", 1991): a number that has a bound, or one that grows with the text.
 */

/** One character of the pattern: which of the sample characters it takes, and which places may come next, each as often as there are ways. */
interface Place {
  readonly takes: bigint;
  readonly next: number[];
}

/** A part of the pattern: where it may begin and end, and whether it may be empty. */
interface Part {
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly empty: boolean;
}

const nothing: Part = { first: [], last: [], empty: true };

/** Characters that distinguish every class of our patterns: printable ASCII, and one of each other kind. */
const samples = [
  ...Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)),
  ...["\t", "\n", "\u0001", "\u00e9", "\u00a0", "\u2028", "\u202e", "\u{1f600}"],
];

/** What `^` takes: it stands once before every text. */
const beginning = 1n << BigInt(samples.length);

/**
 * @param source of a regular expression: characters, classes, groups, alternatives, repeats, and a look ahead. A bounded repeat is taken as an
 * unbounded one from four on, so that no constant is a million.
 * @returns why a text of n characters may take more than a bounded number of ways, or undefined when none does.
 * @throws for what it does not know.
 */
export function superlinear(source: string): string | undefined {
  for (const { places, what } of automata(source)) {
    const found = ambiguity(places);
    if (found !== undefined) return `${found} in ${what}`;
  }
  return undefined;
}

/** The automaton of the pattern, and of each lookahead in it. */
function automata(source: string): readonly { readonly places: readonly Place[]; readonly what: string }[] {
  const ahead: string[] = [];
  const places: Place[] = [];
  let at = 0;
  const rest = (): string => source.slice(at);
  const eat = (form: RegExp): RegExpExecArray | null => {
    const found = form.exec(rest());
    if (found !== null) at += found[0].length;
    return found;
  };
  const link = (from: readonly number[], to: readonly number[]): void => {
    for (const one of from) places[one]?.next.push(...to);
  };
  const then = (one: Part, other: Part): Part => {
    link(one.last, other.first);
    return {
      first: one.empty ? [...one.first, ...other.first] : one.first,
      last: other.empty ? [...one.last, ...other.last] : other.last,
      empty: one.empty && other.empty,
    };
  };
  const place = (takes: bigint): Part => {
    places.push({ takes, next: [] });
    return { first: [places.length - 1], last: [places.length - 1], empty: false };
  };
  const alternatives = (): Part => {
    let all = sequence();
    while (eat(/^\|/) !== null) {
      const more = sequence();
      all = {
        first: [...all.first, ...more.first],
        last: [...all.last, ...more.last],
        empty: all.empty || more.empty,
      };
    }
    return all;
  };
  const sequence = (): Part => {
    let all = nothing;
    while (at < source.length && !/^[|)]/.test(rest())) all = then(all, repeated());
    return all;
  };
  const repeated = (): Part => {
    const from = at;
    const one = atom();
    const [, star, least = "", comma, most = ""] = eat(/^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/) ?? [];
    if (star === undefined && least === "") return one;
    if (star === "?") return { ...one, empty: true };
    const to = at;
    const exactly = comma === "" ? Number(least) : Number(most || Infinity);
    if (star === undefined && exactly <= 3) {
      let all = Number(least) === 0 ? { ...one, empty: true } : one;
      for (let count = 2; count <= exactly; count += 1) {
        at = from;
        const again = atom();
        all = then(all, count > Number(least) ? { ...again, empty: true } : again);
      }
      at = to;
      return all;
    }
    link(one.last, one.first);
    return { ...one, empty: one.empty || star === "*" || least === "0" };
  };
  const atom = (): Part => {
    if (eat(/^\$|^\\b/) !== null) return nothing;
    if (eat(/^\^/) !== null) return place(beginning);
    const lookaround = eat(/^\(\?(?:=|!|<=|<!)/) !== null;
    if (lookaround || eat(/^\((?:\?:|\?<\w+>)?/) !== null) {
      const from = at;
      const before = places.length;
      const inner = alternatives();
      const text = source.slice(from, at);
      if (eat(/^\)/) === null) throw new TypeError(`no ) in ${source}`);
      if (!lookaround) return inner;
      places.length = before;
      ahead.push(text);
      return nothing;
    }
    const one = eat(
      /^(?:\[(?:\\.|[^\]\\])*\]|\\[pP]\{\w+\}|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\.|[^\\[\](){}*+?|])/is,
    );
    if (one === null) throw new TypeError(`cannot read ${source} at ${at}`);
    const form = new RegExp(`^(?:${one[0]})$`, "u");
    const takes = samples.reduce(
      (all, sample, bit) => (form.test(sample) ? all | (1n << BigInt(bit)) : all),
      0n,
    );
    return place(takes);
  };
  const pattern = alternatives();
  if (at < source.length) throw new TypeError(`cannot read ${source} at ${at}`);
  // What may end in a place has matched there, and what comes behind is not tried in another way.
  if (!/^(?:\\.|\[(?:\\.|[^\]\\])*\]|[^\\$[])*(?:\$|\\b|\(\?[=!<])/s.test(source))
    for (const one of pattern.last) places[one]?.next.splice(0);
  // What does not begin at the beginning is tried from each character on.
  places.push({ takes: beginning - 1n, next: [...pattern.first, places.length] });
  return [{ places, what: source }, ...ahead.flatMap((text) => automata(`^(?:${text})`))];
}

/** Two ways round in one place for one text: exponential. One place that leads to another, both of which can be stayed in by one text: polynomial. */
function ambiguity(places: readonly Place[]): string | undefined {
  const twice = places.some(
    ({ next }, from) => next.length > new Set(next).size && next.some((to) => reaches(places, [to], [from])),
  );
  if (twice) return "two ways for one character";
  const rounds = places.map((_, one) => one).filter((one) => reaches(places, [one], [one]));
  for (const one of rounds)
    for (const other of places.keys())
      if (
        other !== one &&
        reaches(places, [other], [one]) &&
        reaches(places, [one, one], [one, other]) &&
        reaches(places, [one, other], [one, one])
      )
        return "two ways round";
  for (const one of rounds)
    for (const other of rounds)
      if (other !== one && reaches(places, [one, one, other], [one, other, other]))
        return "a text that is two loops'";
  return undefined;
}

/** Whether one text, of a character at least, leads each of these places to the other one in its row. */
function reaches(places: readonly Place[], from: readonly number[], to: readonly number[]): boolean {
  const goal = to.join();
  const seen = new Set<string>();
  const open: (readonly number[])[] = [from];
  for (let here = open.pop(); here !== undefined; here = open.pop())
    for (const there of product(here.map((one) => [...new Set(places[one]?.next)]))) {
      const key = there.join();
      if (seen.has(key) || there.reduce((all, one) => all & (places[one]?.takes ?? 0n), -1n) === 0n) continue;
      if (key === goal) return true;
      seen.add(key);
      open.push(there);
    }
  return false;
}

function product(lists: readonly (readonly number[])[]): readonly (readonly number[])[] {
  return lists.reduce<readonly (readonly number[])[]>(
    (rows, list) => rows.flatMap((row) => list.map((one) => [...row, one])),
    [[]],
  );
}
