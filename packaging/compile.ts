/** JavaScript, source maps and type declarations of the product, by the compiler that also checks it. */
import { join, posix, relative } from "node:path";
import ts from "typescript";
import { lineSourceMap } from "./line-source-map.ts";

export interface CompiledFile {
  readonly path: string;
  readonly text: string;
}

/**
 * @param root folder of tsconfig.json. @param sources relative to it.
 * @param entry the source whose declarations are kept, with those that they import.
 * @throws {Error} with the errors of the compiler.
 */
export function compile(root: string, sources: readonly string[], entry: string): readonly CompiledFile[] {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), (path) => ts.sys.readFile(path)) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const names = sources.map((path) => join(root, path));
  // Nothing is written there.
  const outDir = join(root, ".cache", "compiled");
  const files = new Map<string, string>();
  const emit = (removeComments: boolean, ...kept: readonly string[]): readonly ts.Diagnostic[] => {
    const program = ts.createProgram(names, {
      ...options,
      ...packaged,
      rootDir: root,
      outDir,
      removeComments,
    });
    const { diagnostics } = program.emit(undefined, (path, text) => {
      if (kept.some((end) => path.endsWith(end))) files.set(relative(outDir, path), text);
    });
    return removeComments ? diagnostics : [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  };
  // The declarations document the library; comments in what runs would be a tenth of the package.
  const wrong = [...emit(false, ".d.ts"), ...emit(true, ".js", ".js.map")];
  if (wrong.length > 0) throw new Error(ts.formatDiagnostics(wrong, formatHost(root)));
  const declared = reachable(files, entry.replace(/\.ts$/, ".d.ts"));
  return [...files]
    .filter(([path]) => path.endsWith(".js") || path.endsWith(".js.map") || declared.has(path))
    .map(([path, text]) => ({
      path,
      text: path.endsWith(".map") ? lineSourceMap(text) : indentedByTabs(path, text),
    }));
}

/**
 * Indentation by one tab per level: the compiler's four spaces would be a seventh of the package. What is in a template literal stays.
 */
export function indentedByTabs(path: string, text: string): string {
  const literals: { readonly from: number; readonly to: number }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTemplateLiteralToken(node)) literals.push({ from: node.pos, to: node.end });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ESNext));
  return text.replace(/^(?: {4})+/gm, (spaces, at: number) =>
    literals.some(({ from, to }) => from < at && at < to) ? spaces : "\t".repeat(spaces.length / 4),
  );
}

const packaged: ts.CompilerOptions = {
  noEmit: false,
  allowImportingTsExtensions: false,
  rewriteRelativeImportExtensions: true,
  // Plain JavaScript imports TypeScript, so its imports change as well.
  allowJs: true,
  declaration: true,
  sourceMap: true,
  // Paths of a source map count from the repository, wherever it was compiled.
  sourceRoot: "sealift:///",
};

/** The declarations that one imports, directly or through others, and itself. */
function reachable(files: ReadonlyMap<string, string>, first: string): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [first];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const text = files.get(path);
    if (text === undefined || found.has(path)) continue;
    found.add(path);
    for (const { fileName } of ts.preProcessFile(text).importedFiles)
      if (fileName.startsWith("."))
        waiting.push(posix.join(posix.dirname(path), fileName.replace(/\.[jt]s$/, ".d.ts")));
  }
  return found;
}

function formatHost(root: string): ts.FormatDiagnosticsHost {
  return {
    getCanonicalFileName: (path) => path,
    getCurrentDirectory: () => root,
    getNewLine: () => "\n",
  };
}
