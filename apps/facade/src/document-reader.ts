import { cursorAfter, parseCursor, printCursor } from '#core/cursor';
import type { CanonicalDocument, DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import { keyText } from '#core/key';
import type { Clock } from '#core/ports/clock';
import { parseListRequest } from '#core/query-parse';
import type { Fallback } from '#core/routing';
import type { Unit } from '#core/unit-state';
import { type Answer, documentAnswer, pageAnswer, type Source } from './answer.ts';
import { type RouteFacts, routeOf, type StoreName } from './read-route.ts';
import type { ReadStore, Stores } from './stores.ts';
import type { UnitRegistry } from './unit-registry.ts';

/** How a client wants to read. */
export interface ReadWish {
  readonly asked: StoreName | null;
  readonly ifNoneMatch: string | undefined;
}

interface Reading<T> {
  readonly from: (store: ReadStore) => Promise<T>;
  /** Is what MongoDB answered all that there is, as far as it knows? */
  readonly isWhole: (read: T) => Promise<boolean>;
}

/** Answers GET: from the store that the phase, the lag and the servers' health point at. */
export class DocumentReader {
  readonly #registry: UnitRegistry;
  readonly #stores: Stores;
  readonly #clock: Clock;

  constructor(registry: UnitRegistry, stores: Stores, clock: Clock) {
    this.#registry = registry;
    this.#stores = stores;
    this.#clock = clock;
  }

  /** @throws FicusError `document_unknown` */
  async one(unit: Unit, key: DocumentKey, wish: ReadWish): Promise<Answer> {
    const [source, document] = await this.#read(
      unit,
      { asked: wish.asked, cursor: null },
      {
        from: (store) => store.readOne(unit.plan, key),
        isWhole: async (read) =>
          read === null ? !(await this.#stores.copy.isUnsure(unit.plan, key)) : read.incomplete !== true,
      },
    );
    if (document === null) throw new UnknownDocument(source, key);
    return documentAnswer(source, document, { ifNoneMatch: wish.ifNoneMatch });
  }

  async page(
    unit: Unit,
    parameters: Iterable<readonly [string, string]>,
    asked: StoreName | null,
  ): Promise<Answer> {
    const { plan } = unit;
    const { filters, sort, limit, cursor: text } = parseListRequest(plan, parameters);
    const scope = { unit: plan.unit, sort };
    const cursor = text === null ? null : parseCursor(text, scope);
    const [source, page] = await this.#read(
      unit,
      { asked, cursor },
      {
        from: (store) => store.list(plan, { filters, sort, limit, after: cursor?.values ?? null }),
        // A row in doubt may belong into the page, or not, by what nobody knows of it yet.
        isWhole: async () => !(await this.#stores.copy.isUnsure(plan, null)),
      },
    );
    const last: CanonicalDocument | undefined = page.documents.at(-1);
    const next =
      page.more && last !== undefined ? printCursor(cursorAfter(last, source.store, sort), scope) : null;
    return pageAnswer(source, page.documents, next);
  }

  async #read<T>(
    unit: Unit,
    wanted: Pick<RouteFacts, 'asked' | 'cursor'>,
    { from, isWhole }: Reading<T>,
  ): Promise<[Source, T]> {
    const { mongodbAnswers } = this.#registry;
    const route = routeOf(unit, { ...wanted, mongodbAnswers, now: this.#clock.now() });
    let fallback: Fallback = 'mongodb-unavailable';
    try {
      const read = await from(this.#stores.readable(unit.plan, route.store));
      if (!route.mayRetreat || (await isWhole(read)))
        return [{ unit, store: route.store, fallback: route.fallback }, read];
      fallback = 'incomplete';
    } catch (error) {
      const isAway = error instanceof FicusError && error.code === 'mongo_unavailable';
      if (!route.mayRetreat || !isAway) throw error;
    }
    const read = await from(this.#stores.readable(unit.plan, 'legacy'));
    return [{ unit, store: 'legacy', fallback }, read];
  }
}

/** Says too which store has no such document: in `offload` it may be one that has not come yet. */
export class UnknownDocument extends FicusError {
  readonly source: Source;

  constructor(source: Source, key: DocumentKey) {
    const { unit } = source.unit.plan;
    super('document_unknown', `unit ${unit} has no document with the key ${keyText(key)}`);
    this.source = source;
  }
}
