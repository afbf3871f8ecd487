import type { Document, LineCounter, Node } from 'yaml';
import { isMap, isNode, isScalar, isSeq } from 'yaml';
import type { z } from 'zod';
import { pointerOf } from '#core/pointer';

export type Path = readonly (string | number)[];

/** One thing wrong in a plan file. */
export interface PlanFault {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** RFC 6901 JSON pointer into the file; empty for the whole file. */
  readonly pointer: string;
  /** The offending value as JSON, or `(missing)`. */
  readonly value: string;
  /** What is wrong and what is legal. */
  readonly message: string;
}

/** Reads the members of one parsed file one by one, so that a fault in one hides no fault in another. */
export class Section {
  readonly faults: PlanFault[] = [];
  readonly file: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #root: unknown;
  #nodes: ReadonlyMap<string, Node> | undefined;

  constructor(file: string, document: Document.Parsed, lines: LineCounter) {
    this.file = file;
    this.#document = document;
    this.#lines = lines;
    this.#root = document.toJS() as unknown;
  }

  /** The raw value at a path, undefined when there is none. */
  raw(path: Path): unknown {
    let at: unknown = this.#root;
    for (const step of path) {
      if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
      at = (at as Record<string | number, unknown>)[step];
    }
    return at;
  }

  /** The value at a path as the schema has it; undefined after a fault was noted. */
  read<T>(path: Path, schema: z.ZodType<T>): T | undefined {
    const value = this.raw(path);
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const at = [...path, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) this.fault([...at, key], 'unknown member');
      } else {
        this.fault(
          at,
          this.raw(at) === undefined ? `must be given: ${expected(issue.message)}` : expected(issue.message),
        );
      }
    }
    return undefined;
  }

  /** Notes members that are none of the legal ones. */
  only(path: Path, legal: readonly string[]): void {
    this.mapping(path);
    for (const name of this.names(path)) {
      if (!legal.includes(name)) this.fault([...path, name], `unknown member; legal are ${legal.join(', ')}`);
    }
  }

  /** Notes a value that stands where members are expected; nothing at all (null) is as good as left out. */
  mapping(path: Path): void {
    const value = this.raw(path);
    if (value === undefined || value === null) return;
    if (typeof value !== 'object' || Array.isArray(value)) this.fault(path, 'must be a mapping');
  }

  /** Names of the members at a path, in the file's order; none when it is no mapping. */
  names(path: Path): readonly string[] {
    const value = this.raw(path);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  }

  fault(path: Path, message: string): void {
    const value = this.raw(path);
    const shown = value === undefined ? '(missing)' : JSON.stringify(value);
    this.faults.push({
      file: this.file,
      line: this.lineOf(path),
      pointer: pointerOf(path),
      value: shown.length > 60 ? `${shown.slice(0, 57)}...` : shown,
      message,
    });
  }

  /** The line of a member, or of the nearest parent when the member is missing. */
  lineOf(path: Path): number {
    this.#nodes ??= nodesOf(this.#document);
    for (let length = path.length; length > 0; length--) {
      const node = this.#nodes.get(pointerOf(path.slice(0, length)));
      if (node?.range) return this.#lineAt(node);
    }
    return 1;
  }

  #lineAt(node: Node): number {
    return Math.max(1, this.#lines.linePos(node.range?.[0] ?? 0).line);
  }
}

/** All values of a document by their pointers, since a search for each would take long where there are many faults. */
function nodesOf(document: Document.Parsed): ReadonlyMap<string, Node> {
  const nodes = new Map<string, Node>();
  const add = (node: unknown, path: Path): void => {
    if (isNode(node)) nodes.set(pointerOf(path), node);
    if (isMap(node))
      for (const { key, value } of node.items) add(value, [...path, isScalar(key) ? String(key.value) : '']);
    if (isSeq(node)) for (const [index, item] of node.items.entries()) add(item, [...path, index]);
  };
  add(document.contents, []);
  return nodes;
}

/** zod speaks of input and types; a plan's author sees YAML. */
function expected(message: string): string {
  return message
    .replace(/^Invalid input: expected (\w+), received .*$/, 'must be a $1')
    .replace(/^Invalid option: expected one of /, 'legal are ');
}
