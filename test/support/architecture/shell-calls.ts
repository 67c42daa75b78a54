/** Which shell function calls which, and which of them a plan can name. Pure but for {@link readSources}. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { checkout } from "../../lab/cache.ts";

export interface ShellFunction {
  readonly name: string;
  readonly file: string;
  /** Without comments. */
  readonly body: string;
}

/** A step whose check is `check_<name>`. */
export interface NamedCall {
  readonly name: string;
  readonly file: string;
}

export interface Sources {
  /** Texts of `.sh` files below modules, by path. */
  readonly shell: ReadonlyMap<string, string>;
  /** Texts of `.ts` files below modules, by path. */
  readonly typescript: ReadonlyMap<string, string>;
}

export function readSources(): Sources {
  const paths = readdirSync(join(checkout, "modules"), { recursive: true, encoding: "utf8" })
    .map((path) => `modules/${path}`)
    .toSorted();
  const read = (ending: string): ReadonlyMap<string, string> =>
    new Map(
      paths
        .filter((path) => path.endsWith(ending))
        .map((path) => [path, readFileSync(join(checkout, path), "utf8")]),
    );
  return { shell: read(".sh"), typescript: read(".ts") };
}

/** In the order of the files. */
export function shellFunctions(shell: Sources["shell"]): ShellFunction[] {
  return [...shell].flatMap(([file, text]) =>
    [...text.matchAll(/^([a-z_][a-z0-9_]*)\(\) (?:\{$([^]*?)^\}$|\{ (.*) \}$)/gm)].map(
      ([, name = "", body, line]): ShellFunction => ({
        name,
        file,
        body: withoutComments(body ?? line ?? ""),
      }),
    ),
  );
}

function withoutComments(body: string): string {
  return body.replaceAll(/(^|\s)#.*$/gm, "");
}

/** The functions that a body mentions as a word: in a command, in an argument of another, or as the name of a trap. */
export function mentions(body: string): Set<string> {
  return new Set(body.match(/(?<![\w$/.{=-])[a-z_][a-z0-9_]*(?![\w/.=-])/g));
}

/** Variables in capitals that a shell file reads. */
export function constantsRead(text: string): Set<string> {
  return new Set([...withoutComments(text).matchAll(/\$\{?([A-Z][A-Z0-9_]+)/g)].map(([, name = ""]) => name));
}

/** Variables in capitals that a shell file sets. */
export function constantsSet(text: string): Set<string> {
  return new Set([...text.matchAll(/^\s*(?:export )?([A-Z][A-Z0-9_]+)=/gm)].map(([, name = ""]) => name));
}

/** What the steps of a TypeScript file call: the first words of `call`, wherever it is written as a property, as an argument or as a result. */
export function namedCalls(typescript: Sources["typescript"]): NamedCall[] {
  return [...typescript].flatMap(([file, text]) =>
    [...new Set(callsIn(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)))].map((name) => ({
      name,
      file,
    })),
  );
}

function callsIn(file: ts.SourceFile): string[] {
  const takers = new Map<string, number>();
  const makers: ts.FunctionDeclaration[] = [];
  const found: string[] = [];
  const collect = (node: ts.Node): void => {
    if (ts.isFunctionDeclaration(node) || ts.isArrowFunction(node)) {
      const at = node.parameters.findIndex(({ name }) => name.getText() === "call");
      const name = ts.isFunctionDeclaration(node) ? node.name : nameOfArrow(node);
      if (at >= 0 && name !== undefined) takers.set(name.getText(), at);
      if (ts.isFunctionDeclaration(node) && node.type?.getText() === 'Step["call"]') makers.push(node);
    }
    ts.forEachChild(node, collect);
  };
  collect(file);
  const read = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && node.name.getText() === "call")
      found.push(...firstWords(node.initializer));
    if (ts.isCallExpression(node)) {
      const argument = node.arguments[takers.get(node.expression.getText()) ?? -1];
      if (argument !== undefined) found.push(...firstWords(argument));
    }
    if (
      ts.isReturnStatement(node) &&
      node.expression !== undefined &&
      makers.some((maker) => holds(maker, node))
    )
      found.push(...firstWords(node.expression));
    ts.forEachChild(node, read);
  };
  read(file);
  return found;
}

function nameOfArrow({ parent }: ts.ArrowFunction): ts.Node | undefined {
  return ts.isVariableDeclaration(parent) ? parent.name : undefined;
}

function holds(outer: ts.Node, inner: ts.Node): boolean {
  return outer.pos <= inner.pos && inner.end <= outer.end;
}

/** Of both branches, where there are two. */
function firstWords(node: ts.Expression): string[] {
  if (ts.isStringLiteral(node)) return [node.text];
  if (ts.isConditionalExpression(node)) return [...firstWords(node.whenTrue), ...firstWords(node.whenFalse)];
  if (ts.isAsExpression(node) || ts.isParenthesizedExpression(node)) return firstWords(node.expression);
  if (ts.isArrayLiteralExpression(node)) return node.elements.slice(0, 1).flatMap(firstWords);
  return [];
}
