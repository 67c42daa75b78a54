/** Hosts in files of their own: each name of a file in the list of hosts becomes the hosts of that file. */
import { dirname, join } from "node:path";
import { refuse, SealiftError, type Problem } from "../../errors.ts";
import { shown, subject } from "../../shown.ts";
import { operatorPlaces, type Locate, type Path } from "../../document/locate.ts";
import { operatorYaml } from "../../document/parse-yaml.ts";
import { readNamedFile } from "./named-file.ts";
import { isObject } from "./values.ts";

export interface WithHosts {
  /** The site with all of its hosts in one list. */
  readonly value: unknown;
  /** Places of that value, each in the file that has it. */
  readonly place: Locate;
  /** Texts of the hosts files. */
  readonly texts: readonly string[];
}

/** A host, or whatever stands in its place, and where it is written. */
interface Entry {
  readonly value: unknown;
  readonly place: Locate;
  readonly path: Path;
}

/**
 * @param file the site file; names of hosts files are relative to its folder. @param place of the site.
 * @throws {SealiftError} E_SITE_MISSING for a file that does not exist, E_DUPLICATE for one that is listed twice, E_YAML, and E_TYPE for a file
 * that is no list: all of them at once.
 */
export function withHostsFiles(value: unknown, file: string, place: Locate): WithHosts {
  const hosts: unknown = isObject(value) ? value["hosts"] : undefined;
  if (!isObject(value) || !Array.isArray(hosts) || !hosts.some((host) => typeof host === "string"))
    return { value, place, texts: [] };
  const texts: string[] = [];
  const problems: Problem[] = [];
  const seen = new Set<string>();
  const entries = hosts.flatMap((host: unknown, index): readonly Entry[] => {
    const path = ["hosts", index];
    if (typeof host !== "string") return [{ value: host, place, path }];
    const name = join(dirname(file), host);
    if (seen.has(name)) {
      problems.push(listedTwice(place(path), subject(path), host));
      return [];
    }
    seen.add(name);
    try {
      const text = readNamedFile(name, {
        where: place(path),
        subject: subject(path),
        expected: "a readable file with a list of hosts",
        fix: "correct the name, which is relative to the folder of this file, or remove it",
      });
      texts.push(text);
      return entriesOf(name, text);
    } catch (error) {
      if (!(error instanceof SealiftError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  refuse(problems);
  return {
    value: { ...value, hosts: entries.map((entry) => entry.value) },
    place: (path, key) => {
      const [list, index, ...below] = path;
      const entry = list === "hosts" && typeof index === "number" ? entries[index] : undefined;
      return entry === undefined ? place(path, key) : entry.place([...entry.path, ...below], key);
    },
    texts,
  };
}

function entriesOf(file: string, text: string): readonly Entry[] {
  const value = operatorYaml(text, file);
  const place = operatorPlaces(file, text, []);
  if (!Array.isArray(value)) throw new SealiftError([noList(file, value)]);
  return value.map((host: unknown, index) => ({ value: host, place, path: [index] }));
}

function noList(file: string, value: unknown): Problem {
  return {
    where: file,
    code: "E_TYPE",
    subject: "the file",
    found: shown(value ?? null),
    expected: "a list of hosts, each as below hosts in the site file",
    fix: "start each host with - name:",
  };
}

function listedTwice(where: string, about: string, name: string): Problem {
  const found = `the file ${shown(name)} a second time`;
  return { where, code: "E_DUPLICATE", subject: about, found, expected: "each file once", fix: "remove it" };
}
