import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** One TypeScript file, by its path from the root of the repository (with `/` on every system). */
export interface SourceText {
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** A path of the repository (`libs/core/src/plan.ts`), or the name of a package. */
  readonly target: string;
  readonly inside: boolean;
  readonly dynamic: boolean;
}

const FOLDERS = ['apps', 'libs', 'sandbox', 'migrations', 'test', 'bench'];
const SKIPPED = ['node_modules', 'dist', 'corpus'];

/** Every TypeScript file of the project. */
export function readSources(root: string): readonly SourceText[] {
  return FOLDERS.flatMap((folder) => walk(root, folder)).map((path) => ({
    path,
    text: readFileSync(join(root, path), 'utf8'),
  }));
}

function walk(root: string, folder: string): readonly string[] {
  let entries: ReturnType<typeof list>;
  try {
    entries = list(join(root, folder));
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.includes(entry.name) ? [] : walk(root, path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

function list(folder: string) {
  return readdirSync(folder, { withFileTypes: true });
}

const parsed = new WeakMap<SourceText, ts.SourceFile>();

export function parse(source: SourceText): ts.SourceFile {
  const file =
    parsed.get(source) ?? ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest, true);
  parsed.set(source, file);
  return file;
}

/** Is it run by tests only? */
export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/') || path.startsWith('libs/testing/');
}

/** What a file imports, exports from or imports dynamically. */
export function importsOf(file: ts.SourceFile): readonly Import[] {
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined
    ) {
      if (ts.isStringLiteral(node.moduleSpecifier))
        found.push(resolve(file.fileName, node.moduleSpecifier.text, false));
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteralLike(argument))
        found.push(resolve(file.fileName, argument.text, true));
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      if (ts.isStringLiteral(node.argument.literal))
        found.push(resolve(file.fileName, node.argument.literal.text, false));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function resolve(from: string, specifier: string, dynamic: boolean): Import {
  const alias = /^#([a-z]+)\/(.+)$/.exec(specifier);
  if (alias !== null) return { target: `libs/${alias[1]}/src/${alias[2]}.ts`, inside: true, dynamic };
  if (specifier.startsWith('.'))
    return { target: posix.join(posix.dirname(from), specifier), inside: true, dynamic };
  return { target: specifier, inside: false, dynamic };
}
