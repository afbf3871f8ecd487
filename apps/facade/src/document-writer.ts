import type { CanonicalDocument, DocumentKey } from '#core/document';
import { assert, FicusError } from '#core/errors';
import { type JsonValue, parseJson } from '#core/json-text';
import { keyText } from '#core/key';
import { keyFields } from '#core/plan';
import type { WriteCommand } from '#core/ports/legacy-store';
import { keyOf, renderDocument } from '#core/render';
import { patchNeedsCurrent, readDocument, readPatch } from '#core/request-body';
import { routeWrite } from '#core/routing';
import type { Unit } from '#core/unit-state';
import { type Answer, documentAnswer, sourceHeaders } from './answer.ts';
import { UnknownDocument } from './document-reader.ts';
import type { Stores } from './stores.ts';

/**
 * Carries out POST, PUT, PATCH and DELETE in the authority.
 *
 * PUT never creates. The keys are the application's own, so a PUT to an unknown key may as well be a late update of
 * a document that somebody has deleted, and creating it would bring it back; a client that means to create says POST.
 */
export class DocumentWriter {
  readonly #stores: Stores;

  constructor(stores: Stores) {
    this.#stores = stores;
  }

  /** Is the unit written through the API? @throws FicusError `unit_read_only` or `phase_unbuilt` */
  admit({ plan, state }: Unit): void {
    const route = routeWrite(plan.mode, state.phase);
    if (route.kind === 'legacy') return;
    if (route.because === 'read-only')
      throw new FicusError(
        'unit_read_only',
        `unit ${plan.unit} is of mode ${plan.mode}: it is changed elsewhere and only read here`,
      );
    throw new FicusError(
      'phase_unbuilt',
      `unit ${plan.unit} is in phase ${state.phase}, whose writes are not built yet`,
    );
  }

  async create(unit: Unit, body: string): Promise<Answer> {
    const document = readDocument(unit.plan, parseJson(body), null);
    const created = await this.#write(unit, { kind: 'insert', document });
    assert(created !== null, 'an insert answers its document');
    const key = keyOf(keyFields(unit.plan.root), created.root);
    const location = `/v1/${unit.plan.unit}/${keyText(key)}`;
    return documentAnswer(sourceOf(unit), created, { status: 201, location });
  }

  async replace(unit: Unit, key: DocumentKey, body: string): Promise<Answer> {
    const document = readDocument(unit.plan, parseJson(body), key);
    return this.#changed(unit, key, await this.#write(unit, { kind: 'replace', key, document }));
  }

  async patch(unit: Unit, key: DocumentKey, body: string): Promise<Answer> {
    const parsed = parseJson(body);
    const { root, embeds } = readPatch(unit.plan, parsed, key, await this.#current(unit, key, parsed));
    return this.#changed(unit, key, await this.#write(unit, { kind: 'patch', key, root, embeds }));
  }

  async remove(unit: Unit, key: DocumentKey): Promise<Answer> {
    const result = await this.#stores.legacy(unit.plan).write(unit.plan, { kind: 'delete', key });
    if (result.kind === 'missing') throw new UnknownDocument(sourceOf(unit), key);
    return { status: 204, headers: sourceHeaders(sourceOf(unit)), body: null };
  }

  /** The document that a sub-document's patch is merged into; null where the patch needs none. */
  async #current(unit: Unit, key: DocumentKey, patch: JsonValue): Promise<JsonValue> {
    const { plan } = unit;
    if (!patchNeedsCurrent(plan, patch)) return null;
    const document = await this.#stores.legacy(plan).readOne(plan, key);
    if (document === null) throw new UnknownDocument(sourceOf(unit), key);
    return parseJson(JSON.stringify(renderDocument(plan, document)));
  }

  async #write(unit: Unit, command: WriteCommand): Promise<CanonicalDocument | null> {
    const result = await this.#stores.legacy(unit.plan).write(unit.plan, command);
    return result.kind === 'done' ? result.document : null;
  }

  #changed(unit: Unit, key: DocumentKey, document: CanonicalDocument | null): Answer {
    if (document === null) throw new UnknownDocument(sourceOf(unit), key);
    return documentAnswer(sourceOf(unit), document);
  }
}

function sourceOf(unit: Unit): { unit: Unit; store: 'legacy'; fallback: null } {
  return { unit, store: 'legacy', fallback: null };
}
