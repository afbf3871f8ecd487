import ts from 'typescript';
import { areaOf } from './layers.ts';
import { isTest, parse, type SourceText } from './source.ts';

const MAX_LINES = 400;
const MAX_ARGUMENTS = 4;
/** Names that say nothing about what is inside. */
const DRAWERS = ['utils', 'util', 'helpers', 'helper', 'common', 'shared', 'misc', 'manager', 'types'];
/** What the core must be given instead of taking it. */
const AMBIENT = [
  'Date.now',
  'Math.random',
  'crypto',
  'performance',
  'process',
  'randomUUID',
  'setImmediate',
  'setInterval',
  'setTimeout',
];
/** Tables and resources of the demonstration estate. Plans know them; code must not. */
const DEMO_WORDS = /\b(payments?|suppliers?|lifecycle_events?|(public|plant)\.parts?)\b|\/parts\b|^parts$/i;
const SUPPRESSIONS = /@ts-(ignore|expect-error|nocheck)|biome-ignore|eslint-disable|v8 ignore/;

type Rule = (file: ts.SourceFile, path: string) => readonly string[];

const RULES: readonly Rule[] = [
  tooLong,
  drawer,
  constructorArguments,
  environment,
  ambient,
  escapes,
  suppressions,
  demoWords,
];

/** Everything in these files that the house does not allow, one sentence each, with its line where it has one. */
export function houseFaults(sources: readonly SourceText[]): readonly string[] {
  return sources.flatMap((source) => {
    const file = parse(source);
    return RULES.flatMap((rule) => rule(file, source.path));
  });
}

function tooLong(file: ts.SourceFile, path: string): readonly string[] {
  const lines = file.text.trimEnd().split('\n').length;
  return lines > MAX_LINES ? [`${path}: ${lines} lines; at most ${MAX_LINES}`] : [];
}

function drawer(_file: ts.SourceFile, path: string): readonly string[] {
  return path
    .split('/')
    .filter((segment) => DRAWERS.includes(segment.split('.')[0] ?? ''))
    .map((segment) => `${path}: ${segment} is no name for a thing`);
}

function constructorArguments(file: ts.SourceFile, path: string): readonly string[] {
  return nodes(file)
    .filter(ts.isConstructorDeclaration)
    .filter((node) => node.parameters.length > MAX_ARGUMENTS)
    .map((node) => `${at(file, path, node)}: a constructor of ${node.parameters.length} arguments`);
}

/** Tests read the addresses of their servers; the sandbox starts before there is a configuration. */
function environment(file: ts.SourceFile, path: string): readonly string[] {
  if (isTest(path) || ['libs/config', 'sandbox'].includes(areaOf(path))) return [];
  return nodes(file)
    .filter(
      (node) =>
        dotted(node) === 'process.env' ||
        (ts.isImportSpecifier(node) &&
          (node.propertyName ?? node.name).text === 'env' &&
          /^(node:)?process$/.test(moduleOf(node))),
    )
    .map((node) => `${at(file, path, node)}: only libs/config reads the environment`);
}

function ambient(file: ts.SourceFile, path: string): readonly string[] {
  if (isTest(path) || areaOf(path) !== 'libs/core') return [];
  return nodes(file)
    .filter((node) => {
      if (ts.isNewExpression(node))
        return dotted(node.expression) === 'Date' && (node.arguments?.length ?? 0) === 0;
      return AMBIENT.includes(dotted(node)) && isUse(node);
    })
    .map((node) => `${at(file, path, node)}: the core takes ${node.getText(file)} by itself`);
}

function escapes(file: ts.SourceFile, path: string): readonly string[] {
  return nodes(file)
    .filter((node) => node.kind === ts.SyntaxKind.AnyKeyword || ts.isNonNullExpression(node))
    .map((node) => `${at(file, path, node)}: ${node.getText(file)} escapes the types`);
}

function suppressions(file: ts.SourceFile, path: string): readonly string[] {
  if (!SUPPRESSIONS.test(file.text)) return [];
  return tokens(file).flatMap((token) => {
    const comments = file.text.slice(token.getFullStart(), token.getStart(file));
    const found = SUPPRESSIONS.exec(comments);
    return found === null ? [] : [`${at(file, path, token)}: ${found[0]} hides a fault`];
  });
}

function demoWords(file: ts.SourceFile, path: string): readonly string[] {
  if (!path.startsWith('apps/') && !path.startsWith('libs/')) return [];
  return nodes(file)
    .filter((node) => {
      const { parent } = node;
      const symbol = ts.isCallExpression(parent) && dotted(parent.expression) === 'Symbol';
      return (
        (ts.isStringLiteralLike(node) && !symbol) ||
        ts.isTemplateHead(node) ||
        ts.isTemplateMiddleOrTemplateTail(node)
      );
    })
    .flatMap((node) => {
      const found = DEMO_WORDS.exec((node as ts.LiteralLikeNode).text);
      return found === null ? [] : [`${at(file, path, node)}: ${found[0]} is of the demonstration estate`];
    });
}

function nodes(file: ts.SourceFile): readonly ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    found.push(node);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(file, visit);
  return found;
}

function tokens(node: ts.Node): readonly ts.Node[] {
  const children = node.getChildren();
  return children.length === 0 ? [node] : children.flatMap(tokens);
}

/** `a.b` or `a` of a name or member access; empty for anything else. */
function dotted(node: ts.Node): string {
  if (ts.isIdentifier(node)) return node.text;
  if (ts.isPropertyAccessExpression(node)) return `${dotted(node.expression)}.${node.name.text}`;
  if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression))
    return `${dotted(node.expression)}.${node.argumentExpression.text}`;
  return '';
}

/** Not the name of somebody's member, as in `clock.setTimeout` or `{ process: 1 }`. */
function isUse(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isElementAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  return ts.isPropertyAccessExpression(node) || !('name' in parent && parent.name === node);
}

function moduleOf(node: ts.ImportSpecifier): string {
  const { moduleSpecifier } = node.parent.parent.parent as ts.ImportDeclaration;
  return ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : '';
}

function at(file: ts.SourceFile, path: string, node: ts.Node): string {
  return `${path}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1}`;
}
