import type { CanonicalDocument, DocumentKey } from './document.ts';
import { type Fault, FicusError, reasonOf } from './errors.ts';
import { exampleOf } from './field-schema.ts';
import { type CanonicalValue, type Content, type FieldType, isFloating } from './field-type.ts';
import {
  describeJson,
  isObject,
  JsonNumber,
  type JsonObject,
  type JsonValue,
  mergePatch,
} from './json-text.ts';
import { keyText } from './key.ts';
import { type Embed, type Field, keyFields, type Plan } from './plan.ts';
import { pointerOf } from './pointer.ts';
import { keyOf, sortRows } from './render.ts';
import { parseCanonical } from './value.ts';

/**
 * Bodies of write requests, checked against the plan. Every fault is collected, each with its JSON pointer.
 *
 * - The answer to a GET is a legal PUT: so members that only the legacy database sets (`readOnly`) are taken and
 *   ignored, the key may stand in the body, and must then be the key of the path.
 * - A member that is absent stays out of the content: the legacy database decides (null, or the column's default).
 * - One wire form in both directions: a JSON number for a decimal or a 64-bit field is refused even when it is exact,
 *   since the next one would have been rounded by the client's own JSON library, and nobody would know.
 */

/** What a PATCH changes. `embeds` holds the embedded rows that the patch names, each whole. */
export interface DocumentPatch {
  readonly root: Content;
  readonly embeds: Readonly<Record<string, readonly Content[]>>;
}

/**
 * The body of a POST (`key` null) or a PUT.
 * @throws FicusError `body_invalid` with every fault.
 */
export function readDocument(plan: Plan, body: JsonValue, key: DocumentKey | null): CanonicalDocument {
  const reader = new Reader(plan, key);
  const root = reader.root(body, 'whole');
  const embeds = Object.fromEntries(
    plan.embeds.map((embed) => [
      embed.path,
      reader.rows(embed, isObject(body) ? body[embed.path] : undefined, root),
    ]),
  );
  reader.finish();
  return { root, embeds };
}

/** Must the document be read before this patch can be? Only where it changes a part of a sub-document. */
export function patchNeedsCurrent(plan: Plan, body: JsonValue): boolean {
  return plan.embeds.some(
    (embed) => embed.cardinality === 'one' && isObject(body) && isObject(body[embed.path]),
  );
}

/**
 * The body of a PATCH, as a merge patch (RFC 7396): null removes, arrays replace whole.
 * @param current the document as the API shows it, where `patchNeedsCurrent`; else null.
 * @throws FicusError `body_invalid` with every fault.
 */
export function readPatch(plan: Plan, body: JsonValue, key: DocumentKey, current: JsonValue): DocumentPatch {
  const reader = new Reader(plan, key);
  const content = reader.root(body, 'part');
  const keyPaths = keyFields(plan.root).map((field) => field.path);
  const root = Object.fromEntries(Object.entries(content).filter(([path]) => !keyPaths.includes(path)));
  const embeds: Record<string, readonly Content[]> = {};
  for (const embed of plan.embeds) {
    const patch = isObject(body) ? body[embed.path] : undefined;
    if (patch === undefined) continue;
    const before = isObject(current) ? current[embed.path] : undefined;
    const after = embed.cardinality === 'one' ? mergePatch(before, patch) : patch;
    const rows = reader.rows(embed, after, content);
    // What a merge leaves out of a row that was there has been removed: it is null, and not for the database to choose.
    const isMerged = isObject(before) && isObject(patch);
    embeds[embed.path] = isMerged ? rows.map((row) => ({ ...settableNulls(embed), ...row })) : rows;
  }
  reader.finish();
  return { root, embeds };
}

/** Keys that a path cannot have: clients resolve dot segments, percent-encoded ones too (RFC 3986, 5.2.4). */
const UNADDRESSABLE: readonly CanonicalValue[] = ['', '.', '..'];

/** `whole`: everything demanded must stand there; `part`: what is absent stays as it is. */
type Extent = 'whole' | 'part';

/** Fields by the names of the document; a dotted path is a member within a member. */
type Members = ReadonlyMap<string, Field | Members>;

interface Row {
  readonly key: readonly Field[];
  readonly extent: Extent;
  /** An embedded row's key says which row is meant, so it counts even where the database sets it. */
  readonly embedded: boolean;
  /** Values that the path or the parent gives; a member that says otherwise is a fault. */
  readonly fixed: Content;
  /** Names beside the fields, which somebody else reads. */
  readonly beside: readonly string[];
}

class Reader {
  readonly #plan: Plan;
  readonly #key: DocumentKey | null;
  readonly #faults: Fault[] = [];

  constructor(plan: Plan, key: DocumentKey | null) {
    this.#plan = plan;
    this.#key = key;
  }

  root(body: JsonValue, extent: Extent): Content {
    const { root, embeds } = this.#plan;
    const key = keyFields(root);
    const known = this.#key;
    const fixed =
      known === null ? {} : Object.fromEntries(key.map((field, at) => [field.path, known[at] ?? null]));
    const beside = embeds.map((embed) => embed.path);
    return this.#row(body, '', membersOf(root.fields), { key, extent, embedded: false, fixed, beside });
  }

  rows(embed: Embed, value: JsonValue | undefined, parent: Content): readonly Content[] {
    const pointer = pointerOf([embed.path]);
    if (value === undefined || value === null) return [];
    const many = embed.cardinality === 'many';
    if (many && !Array.isArray(value)) {
      this.#fault(pointer, `${describeJson(value)} is not legal here; legal is an array of objects`);
      return [];
    }
    const key = keyFields(embed);
    const fixed = this.#inherited(embed, parent);
    const members = membersOf(embed.fields);
    const items = many ? (value as readonly JsonValue[]) : [value];
    const contents = items.map((item, index) =>
      this.#row(item, many ? `${pointer}/${index}` : pointer, members, {
        key,
        extent: 'whole',
        embedded: true,
        fixed,
        beside: [],
      }),
    );
    this.#refuseTwins(pointer, key, contents);
    return this.#faults.length > 0 ? contents : sortRows(embed, contents);
  }

  /** @throws FicusError `body_invalid` when anything was found. */
  finish(): void {
    const faults = this.#faults;
    if (faults.length === 0) return;
    const listed = faults.map(
      ({ pointer, message }) => `${pointer === '' ? 'the body' : pointer}: ${message}`,
    );
    throw new FicusError('body_invalid', listed.join('; '), { faults });
  }

  /** A child's columns that repeat the parent's key, where the plan maps them. */
  #inherited(embed: Embed, parent: Content): Content {
    const fixed: Record<string, CanonicalValue> = {};
    for (const [at, field] of keyFields(this.#plan.root).entries()) {
      const child = embed.fields.find((candidate) => candidate.column === embed.parentKey[at]);
      const value = parent[field.path];
      if (child !== undefined && value !== undefined) fixed[child.path] = value;
    }
    return fixed;
  }

  #row(value: JsonValue, pointer: string, members: Members, row: Row): Content {
    const content: Record<string, CanonicalValue> = { ...row.fixed };
    if (isObject(value)) this.#members(value, pointer, members, row, content);
    else this.#fault(pointer, `${describeJson(value)} is not legal here; legal is an object`);
    return content;
  }

  #members(
    value: JsonObject,
    pointer: string,
    members: Members,
    row: Row,
    content: Record<string, CanonicalValue>,
  ): void {
    const names = [...members.keys(), ...(pointer === '' ? row.beside : [])];
    for (const name of Object.keys(value)) {
      if (!names.includes(name))
        this.#fault(`${pointer}${pointerOf([name])}`, `no such member; legal are ${names.join(', ')}`);
    }
    for (const [name, member] of members) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined;
      const at = `${pointer}${pointerOf([name])}`;
      if (isField(member)) this.#field(member, given, at, row, content);
      else if (isObject(given)) this.#members(given, at, member, row, content);
      else if (given === undefined) this.#members({}, at, member, row, content);
      else if (given === null) this.#members(nulls(member), at, member, row, content);
      else this.#fault(at, `${describeJson(given)} is not legal here; legal is an object`);
    }
  }

  #field(
    field: Field,
    given: JsonValue | undefined,
    pointer: string,
    row: Row,
    content: Record<string, CanonicalValue>,
  ): void {
    const isKey = row.key.includes(field);
    const fixed = row.fixed[field.path];
    if (given === undefined) {
      const demanded = fixed === undefined && !field.readOnly && (isKey || field.required);
      if (demanded && row.extent === 'whole') this.#fault(pointer, 'is required');
      return;
    }
    if (field.readOnly && fixed === undefined && !(row.embedded && isKey)) return;
    if (given === null && (isKey || field.required || fixed !== undefined)) {
      this.#fault(pointer, 'must not be null');
      return;
    }
    const value = this.#value(field.type, given, pointer);
    if (value === undefined) return;
    if (isKey && row.key.length === 1 && !row.embedded && UNADDRESSABLE.includes(value)) {
      this.#fault(pointer, `must not be ${JSON.stringify(value)}: no address could name the document`);
      return;
    }
    if (fixed === undefined) content[field.path] = value;
    else if (value !== fixed) {
      const owner = row.embedded ? "the parent's" : "the path's";
      this.#fault(pointer, `${JSON.stringify(value)} is not ${owner} ${JSON.stringify(fixed)}`);
    }
  }

  /** Undefined: it was a fault. */
  #value(type: FieldType, given: JsonValue, pointer: string): CanonicalValue | undefined {
    try {
      return readValue(type, given);
    } catch (error) {
      this.#fault(pointer, reasonOf(error));
      return undefined;
    }
  }

  #refuseTwins(pointer: string, key: readonly Field[], contents: readonly Content[]): void {
    const seen = new Map<string, number>();
    for (const [index, content] of contents.entries()) {
      const values = keyOf(key, content);
      if (values.includes(null)) continue;
      const text = keyText(values);
      const twin = seen.get(text);
      if (twin === undefined) seen.set(text, index);
      else this.#fault(`${pointer}/${index}`, `has the same key as ${pointer}/${twin}: ${text}`);
    }
  }

  #fault(pointer: string, message: string): void {
    this.#faults.push({ pointer, message });
  }
}

/** @throws FicusError `value_invalid` naming the value as it was written, and what is legal. */
function readValue(type: FieldType, given: JsonValue): CanonicalValue {
  if (given instanceof JsonNumber) return readNumber(type, given.text);
  if (type.kind === 'array' && Array.isArray(given))
    return parseCanonical(
      type,
      given.map((element: JsonValue) => (element === null ? null : readValue(type.of, element))),
    );
  if (isObject(given) || Array.isArray(given))
    throw new FicusError(
      'value_invalid',
      `${describeJson(given)} is not legal here; legal is ${wireFormOf(type)}`,
    );
  if (typeof given === 'string' && (type.kind === 'int' || type.kind === 'boolean'))
    throw new FicusError(
      'value_invalid',
      `${describeJson(given)} is not legal here; legal is ${wireFormOf(type)}`,
    );
  return parseCanonical(type, given);
}

function readNumber(type: FieldType, text: string): CanonicalValue {
  if (type.kind !== 'int' && !isFloating(type)) {
    const isExact = type.kind === 'decimal' || type.kind === 'long';
    const legal = isExact && /^-?\d+(\.\d+)?$/.test(text) ? `the string "${text}"` : wireFormOf(type);
    const because = isExact ? ', since JSON numbers get rounded on their way' : '';
    throw new FicusError(
      'value_invalid',
      `the number ${text} is not legal here; legal is ${legal}${because}`,
    );
  }
  const number = Number(text);
  if (!Number.isFinite(number) || (type.kind === 'int' && !Number.isSafeInteger(number)))
    throw new FicusError(
      'value_invalid',
      `the number ${text} is not legal here; legal is ${wireFormOf(type)}`,
    );
  return parseCanonical(type, number);
}

/** How a value of the type is written in JSON. */
function wireFormOf(type: FieldType): string {
  switch (type.kind) {
    case 'boolean':
      return 'true or false';
    case 'int':
      return 'an integer of 32 bits as a JSON number';
    case 'double':
    case 'float':
      return `a ${type.kind} as a JSON number`;
    case 'string':
      return 'a string';
    case 'array':
      return `an array, such as ${JSON.stringify(exampleOf(type))}`;
    default:
      return `a ${type.kind} as a string, such as ${JSON.stringify(exampleOf(type))}`;
  }
}

function membersOf(fields: readonly Field[]): Members {
  const members = new Map<string, Field | Members>();
  for (const field of fields) {
    let at = members;
    for (const segment of field.segments.slice(0, -1)) {
      const inner = at.get(segment);
      const next = inner instanceof Map ? inner : new Map<string, Field | Members>();
      at.set(segment, next);
      at = next;
    }
    at.set(field.segments.at(-1) ?? field.path, field);
  }
  return members;
}

function isField(member: Field | Members): member is Field {
  return !(member instanceof Map);
}

function nulls(members: Members): JsonObject {
  return Object.fromEntries([...members.keys()].map((name) => [name, null]));
}

function settableNulls(embed: Embed): Content {
  const kept = [...embed.key, ...embed.parentKey];
  const settable = embed.fields.filter(({ column, readOnly }) => !readOnly && !kept.includes(column));
  return Object.fromEntries(settable.map(({ path }) => [path, null]));
}
