import type { CanonicalDocument, DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import { type CanonicalValue, isFloating } from '#core/field-type';
import { compareValues, keyText } from '#core/key';
import { keyFields, type Plan } from '#core/plan';
import type {
  LegacyStore,
  LogTraits,
  MarkedDocument,
  WriteCommand,
  WriteResult,
} from '#core/ports/legacy-store';
import type { Filter, ListQuery, Page } from '#core/query';
import { keyOf } from '#core/render';
import type { Position } from '#core/version';

/**
 * Documents in memory behind the legacy port, for tests of what stands above it; as far as both can be asked alike
 * also MongoDB's. It knows no constraint but the key. The suite in `conformance/documents` holds it to what the real
 * stores do.
 */
export class MemoryLegacyStore implements LegacyStore {
  readonly system = 'memory';
  readonly #plan: Plan;
  readonly #documents = new Map<string, MarkedDocument>();
  #writes = 0;
  /** Thrown by every method while it is set. */
  failure: FicusError | null = null;
  /** Texts of keys whose rows are in doubt. */
  readonly unsure = new Set<string>();
  /** Called before every read of a scan, to fail, to wait or to change something. */
  beforeRead: (of: 'list' | 'many') => void = () => undefined;

  constructor(plan: Plan, documents: readonly CanonicalDocument[] = []) {
    this.#plan = plan;
    for (const document of documents) this.put(document);
  }

  /** As MongoDB does: a document that is not whole, or a key put into `unsure`. */
  async isUnsure(_plan: Plan, key: DocumentKey | null): Promise<boolean> {
    this.#mayFail();
    if (key !== null) return this.unsure.has(keyText(key));
    return this.unsure.size > 0 || this.all().some(({ incomplete }) => incomplete === true);
  }

  put(document: CanonicalDocument): void {
    const key = keyOf(keyFields(this.#plan.root), document.root);
    this.#documents.set(keyText(key), { document, mark: String(this.#writes++) });
  }

  remove(key: DocumentKey): void {
    this.#documents.delete(keyText(key));
  }

  all(): readonly CanonicalDocument[] {
    return [...this.#documents.values()].map(({ document }) => document);
  }

  async readOne(_plan: Plan, key: DocumentKey): Promise<CanonicalDocument | null> {
    this.#mayFail();
    return this.#documents.get(keyText(key))?.document ?? null;
  }

  async readMarked(_plan: Plan, keys: readonly DocumentKey[]): Promise<readonly MarkedDocument[]> {
    this.#mayFail();
    this.beforeRead('many');
    return keys.flatMap((key) => this.#documents.get(keyText(key)) ?? []);
  }

  async readMany(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly CanonicalDocument[]> {
    return (await this.readMarked(plan, keys)).map(({ document }) => document);
  }

  async list(_plan: Plan, query: ListQuery): Promise<Page> {
    this.#mayFail();
    this.beforeRead('list');
    const order = (a: readonly CanonicalValue[], b: readonly CanonicalValue[]): number => {
      for (const [index, { field, descending }] of query.sort.entries()) {
        const found = compareValues(a[index] ?? null, b[index] ?? null, field.type);
        if (found !== 0) return descending ? -found : found;
      }
      return 0;
    };
    const valuesOf = ({ root }: CanonicalDocument): readonly CanonicalValue[] =>
      query.sort.map(({ field }) => root[field.path] ?? null);
    const found = this.all()
      .filter(({ root }) => query.filters.every((filter) => matches(filter, root[filter.field.path] ?? null)))
      .filter((document) => query.after === null || order(valuesOf(document), query.after) > 0)
      .sort((a, b) => order(valuesOf(a), valuesOf(b)));
    return { documents: found.slice(0, query.limit), more: found.length > query.limit };
  }

  async write(plan: Plan, command: WriteCommand): Promise<WriteResult> {
    this.#mayFail();
    if (command.kind === 'insert') return this.#insert(plan, command.document);
    const text = keyText(command.key);
    const before = this.#documents.get(text)?.document;
    if (before === undefined) return { kind: 'missing' };
    if (command.kind === 'delete') {
      this.#documents.delete(text);
      return { kind: 'done', document: null, position: null };
    }
    const document =
      command.kind === 'replace'
        ? command.document
        : { root: { ...before.root, ...command.root }, embeds: { ...before.embeds, ...command.embeds } };
    this.put(document);
    return { kind: 'done', document, position: null };
  }

  async count(_plan: Plan): Promise<number> {
    this.#mayFail();
    return this.#documents.size;
  }

  async mark(): Promise<Position> {
    return 0n;
  }

  async captured(_position: Position): Promise<boolean> {
    return true;
  }

  async logTraits(): Promise<LogTraits> {
    return { notInLog: [], keyless: [] };
  }

  async countRows(_table: string): Promise<number | null> {
    return null;
  }

  async signalSnapshot(_id: string, _tables: readonly string[]): Promise<void> {}

  async now(): Promise<number> {
    return 0;
  }

  async ping(): Promise<void> {
    this.#mayFail();
  }

  async close(): Promise<void> {}

  #insert(plan: Plan, document: CanonicalDocument): WriteResult {
    const text = keyText(keyOf(keyFields(plan.root), document.root));
    if (this.#documents.has(text)) throw new FicusError('document_exists', `key ${text} is taken`);
    this.put(document);
    return { kind: 'done', document, position: null };
  }

  #mayFail(): void {
    if (this.failure !== null) throw this.failure;
  }
}

function matches({ field, operator, values }: Filter, value: CanonicalValue): boolean {
  const order = (other: CanonicalValue): number => compareValues(value, other, field.type);
  const [first = null] = values;
  // NaN has a place in an order, but it is neither less nor greater than a number.
  const comparable = value !== null && (!isFloating(field.type) || (value === 'NaN') === (first === 'NaN'));
  switch (operator) {
    case 'eq':
    case 'in':
      return values.some((other) => order(other) === 0);
    case 'ne':
      return order(first) !== 0;
    case 'gt':
      return comparable && order(first) > 0;
    case 'gte':
      return comparable && order(first) >= 0;
    case 'lt':
      return comparable && order(first) < 0;
    case 'lte':
      return comparable && order(first) <= 0;
  }
}
