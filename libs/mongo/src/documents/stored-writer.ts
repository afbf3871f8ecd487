import { needsSource, type StoredDocument, type StoredRow } from '#core/apply';
import type { DocumentKey } from '#core/document';
import type { Content } from '#core/field-type';
import { type Embed, type Field, keyFields, type Plan } from '#core/plan';
import { sortRows } from '#core/render';
import type { Position, RowVersion } from '#core/version';
import { type BsonWriter, indexName, type Name, nameOf } from '../bson-writer.ts';
import { idMember, writeValue } from './bson.ts';
import { MEND } from './stored.ts';

/** A mapped field, or what holds some, with its name as BSON has it. */
interface Member {
  readonly name: Name;
  readonly field: Field | null;
  readonly members: readonly Member[];
}

/** What of a plan is the same for all its documents. */
interface Names {
  readonly id: readonly { readonly name: Name; readonly field: Field }[];
  /** Of the root's fields, each by its whole path. */
  readonly paths: readonly Member[];
  /** Of the root's fields, as they lie in a document. */
  readonly root: readonly Member[];
  readonly embeds: readonly EmbedNames[];
}

interface EmbedNames {
  readonly embed: Embed;
  readonly name: Name;
  readonly members: readonly Member[];
}

const ID = nameOf('_id');
const META = nameOf('_m');
const MEND_NAME = nameOf(MEND);
const SET = nameOf('$set');
const UNSET = nameOf('$unset');
const M = {
  revision: nameOf('n'),
  term: nameOf('t'),
  at: nameOf('at'),
  gone: nameOf('gone'),
  live: nameOf('live'),
  epoch: nameOf('e'),
  streamed: nameOf('s'),
  written: nameOf('w'),
  snapshot: nameOf('r'),
  log: nameOf('o'),
  counter: nameOf('v'),
  incarnation: nameOf('i'),
  partition: nameOf('p'),
  offset: nameOf('n'),
  digest: nameOf('h'),
  missing: nameOf('miss'),
  doubt: nameOf('doubt'),
  unmapped: nameOf('x'),
};

/** Writes the documents of one plan as BSON, in the form that `readStored` says. */
export class StoredWriter {
  readonly #out: BsonWriter;
  readonly #term: number;
  readonly #names: Names;

  /** @param term of the fence, stamped on every document. */
  constructor(out: BsonWriter, plan: Plan, term: number) {
    this.#out = out;
    this.#term = term;
    this.#names = namesOf(plan);
  }

  /** The member `_id`. */
  id(key: DocumentKey): void {
    const { id } = this.#names;
    const [only] = id;
    if (id.length === 1 && only !== undefined) {
      writeValue(this.#out, ID, only.field.type, key[0] ?? null);
      return;
    }
    const from = this.#out.openDocument(ID);
    for (const [index, { name, field }] of id.entries())
      writeValue(this.#out, name, field.type, key[index] ?? null);
    this.#out.close(from);
  }

  /** The whole document, to insert. */
  whole(document: StoredDocument): void {
    const from = this.#out.open();
    this.id(document.key);
    this.#members(document, this.#names.root);
    if (needsSource(document)) this.#out.boolean(MEND_NAME, true);
    this.#out.close(from);
  }

  /**
   * The member `name` with what changes mapped fields, `_m` and `_mend` only, so that members which Ficus does not own
   * stay as they are.
   */
  update(name: Name, document: StoredDocument): void {
    const out = this.#out;
    const isUnsound = needsSource(document);
    const from = out.openDocument(name);
    const set = out.openDocument(SET);
    this.#members(document, this.#names.paths);
    if (isUnsound) out.boolean(MEND_NAME, true);
    out.close(set);
    if (!isUnsound) {
      // Always: what the stored document says may not be seen under a plan that has let a column go.
      const unset = out.openDocument(UNSET);
      out.boolean(MEND_NAME, true);
      out.close(unset);
    }
    out.close(from);
  }

  #members(document: StoredDocument, root: readonly Member[]): void {
    const out = this.#out;
    if (document.root !== null) this.#fields(root, document.root.content, missingOf(document.root));
    const hidden = this.#names.embeds.map((embed) => this.#shown(embed, document));
    const meta = out.openDocument(META);
    out.int(M.revision, (document.revision ?? 0) + 1);
    out.int(M.term, this.#term);
    if (document.committedAt !== null) out.date(M.at, document.committedAt);
    if (document.root === null) out.boolean(M.live, false);
    else this.#state(document.root);
    if (hidden.some((rows) => rows.length > 0)) this.#hidden(hidden);
    out.close(meta);
  }

  /** The member of an embed: the rows that readers see. @returns the others. */
  #shown(names: EmbedNames, document: StoredDocument): readonly StoredRow[] {
    const { embed, name } = names;
    const rows = Object.values(document.embeds[embed.path] ?? {});
    const live = new Map(rows.filter((row) => row.live).map((row) => [row.content, row]));
    const sorted = sortRows(embed, [...live.keys()]).flatMap((content) => live.get(content) ?? []);
    const dead = rows.filter((row) => !row.live);
    if (embed.cardinality === 'many') {
      this.#rows(names, sorted);
      return dead;
    }
    const [first, ...others] = sorted;
    if (first === undefined) this.#out.null(name);
    else this.#row(name, names, first);
    return [...others, ...dead];
  }

  #hidden(hidden: readonly (readonly StoredRow[])[]): void {
    const from = this.#out.openDocument(M.gone);
    for (const [index, names] of this.#names.embeds.entries()) {
      const rows = hidden[index] ?? [];
      if (rows.length > 0) this.#rows(names, rows);
    }
    this.#out.close(from);
  }

  #rows(names: EmbedNames, rows: readonly StoredRow[]): void {
    const from = this.#out.openArray(names.name);
    for (const [index, row] of rows.entries()) this.#row(indexName(index), names, row);
    this.#out.close(from);
  }

  #row(name: Name, { members }: EmbedNames, row: StoredRow): void {
    const from = this.#out.openDocument(name);
    this.#fields(members, row.content, always);
    const meta = this.#out.openDocument(META);
    this.#state(row);
    this.#out.close(meta);
    this.#out.close(from);
  }

  /** @param isMissing of a field whose value is not there: is it unknown, and not known to be none? */
  #fields(members: readonly Member[], content: Content, isMissing: (path: string) => boolean): void {
    for (const { name, field, members: within } of members) {
      if (field === null) {
        if (!within.some((member) => isThere(member, content, isMissing))) continue;
        const from = this.#out.openDocument(name);
        this.#fields(within, content, isMissing);
        this.#out.close(from);
        continue;
      }
      const value = content[field.path];
      if (value !== undefined) writeValue(this.#out, name, field.type, value);
      else if (!isMissing(field.path)) this.#out.null(name);
    }
  }

  #state({ live, version, digest, incomplete, doubtful, unmapped }: StoredRow): void {
    const out = this.#out;
    out.boolean(M.live, live);
    if (version !== null) this.#version(version);
    if (digest !== null) out.text(M.digest, digest);
    if (incomplete.length > 0) {
      const from = out.openArray(M.missing);
      for (const [index, path] of incomplete.entries()) out.text(indexName(index), path);
      out.close(from);
    }
    if (doubtful) out.boolean(M.doubt, true);
    for (const _ in unmapped) {
      out.text(M.unmapped, textOf(unmapped));
      break;
    }
  }

  #version({ epoch, streamed, written, snapshot, log, counter }: RowVersion): void {
    const out = this.#out;
    out.int(M.epoch, epoch);
    if (streamed !== null) this.#position(M.streamed, streamed);
    if (written !== null) this.#position(M.written, written);
    if (snapshot !== null) this.#position(M.snapshot, snapshot);
    if (counter !== null) this.#out.long(M.counter, counter);
    if (log === null) return;
    const from = out.openDocument(M.log);
    out.int(M.incarnation, log.incarnation);
    out.int(M.partition, log.partition);
    out.long(M.offset, log.offset);
    out.close(from);
  }

  /** A position that is a bigint becomes a long. */
  #position(name: Name, position: Position): void {
    if (typeof position === 'bigint') this.#out.long(name, position);
    else this.#out.text(name, position);
  }
}

const KNOWN = new WeakMap<Plan, Names>();

function namesOf(plan: Plan): Names {
  const known = KNOWN.get(plan);
  if (known !== undefined) return known;
  const names: Names = {
    id: keyFields(plan.root).map((field) => ({ name: nameOf(idMember(field.path)), field })),
    paths: plan.root.fields.map((field) => ({ name: nameOf(field.path), field, members: [] })),
    root: membersOf(plan.root.fields),
    embeds: plan.embeds.map((embed) => ({
      embed,
      name: nameOf(embed.path),
      members: membersOf(embed.fields),
    })),
  };
  KNOWN.set(plan, names);
  return names;
}

/** Fields by their first segments, in the order in which these come first. */
function membersOf(fields: readonly Field[], depth = 0): readonly Member[] {
  const bySegment = Map.groupBy(fields, ({ segments }) => segments[depth] ?? '');
  return [...bySegment].map(([segment, some]) => {
    const name = nameOf(segment);
    const leaf = some.find(({ segments }) => segments.length === depth + 1);
    return leaf === undefined
      ? { name, field: null, members: membersOf(some, depth + 1) }
      : { name, field: leaf, members: [] };
  });
}

function isThere(
  { field, members }: Member,
  content: Content,
  isMissing: (path: string) => boolean,
): boolean {
  if (field === null) return members.some((member) => isThere(member, content, isMissing));
  return content[field.path] !== undefined || !isMissing(field.path);
}

function missingOf({ incomplete }: StoredRow): (path: string) => boolean {
  return incomplete.length === 0 ? never : (path) => incomplete.includes(path);
}

function always(): boolean {
  return true;
}

function never(): boolean {
  return false;
}

/** BigInt has no JSON of its own; an unknown column's 64-bit value is kept as its digits. */
function textOf(values: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(values, (_name, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
}
