/** Names and texts of a source file. Pure. */
import ts from "typescript";

/** What a TypeScript file exports under a name of its own; what it passes on from another file is named there. */
export function exportedNames(path: string, text: string): string[] {
  const { statements } = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  return statements.flatMap((statement): string[] => {
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.flatMap(({ name }) =>
        ts.isIdentifier(name) ? [name.text] : [],
      );
    const { name } = statement as ts.DeclarationStatement;
    return name === undefined ? [] : [name.text];
  });
}

/** What a TypeScript file declares anywhere: variables, parameters, functions, types and their properties, but no keys of objects. */
export function declaredNames(path: string, text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isBindingElement(node) ||
      ts.isParameter(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isPropertySignature(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isClassDeclaration(node);
    if (declares && node.name !== undefined && ts.isIdentifier(node.name)) found.push(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return found;
}

/** The words of a name in lower case: `readHostKeys`, `read_host_keys` and `read-host-keys.ts` have "read", "host" and "keys". */
export function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}

/**
 * Texts of two words or more between quotes, in the order of the file, with `$` for each variable of shell: of TypeScript every part of a
 * template, of shell both kinds of quotes in a line.
 */
export function literals(path: string, text: string): string[] {
  if (path.endsWith(".sh")) return sentences(shellLiterals(text));
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node))
      found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return sentences(found);
}

function sentences(texts: readonly string[]): string[] {
  return texts
    .map((one) => one.replaceAll(/\$\{[^}]*\}|\$\w+/g, "$"))
    .filter((one) => /\S\s\S|^\s\S|\S\s$/.test(one));
}

function shellLiterals(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/(^|\s)#.*/, ""))
    .flatMap((line) => [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'/g)])
    .map(([, one, other]) => one ?? other ?? "");
}
