import type { CanonicalDocument, DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import type { CanonicalValue, Content, FieldType } from '#core/field-type';
import { type Field, keyFields } from '#core/plan';
import { type Changes, changesOf, childChanges, type Settable } from '../row-changes.ts';
import {
  type Column,
  columnOf,
  type EmbedShape,
  fieldColumn,
  type PlanShape,
  type Shape,
} from './columns.ts';
import { assigned, comparable, parameterText, textOf } from './expression.ts';
import { keyCondition, parentCondition, ROOT } from './read-sql.ts';
import { Binding, identifier, type Statement, tableName } from './statement.ts';

/** PostgreSQL takes 65,535 parameters a statement. */
const MAX_PARAMETERS = 60_000;
const MAX_ROWS = 500;
const CHILD = 'c';

/** Inserts the root row and answers its key, as the database made it (a default, an identity, a trigger). */
export function insertRoot(shape: PlanShape, content: Content): Statement {
  const { root } = shape;
  const binding = new Binding();
  const values = writable(root).flatMap((field): Placed[] => {
    const value = content[field.path];
    // An open key is the database's to choose.
    if (value === undefined || (value === null && root.mapping.key.includes(field.column))) return [];
    return [{ column: fieldColumn(root, field), type: field.type, value }];
  });
  const names = values.map(({ column }) => identifier(column.name)).join(', ');
  const row = values.map((placed) => placedValue(placed, binding)).join(', ');
  const key = keyFields(root.mapping).map((field) => textOf(ROOT, fieldColumn(root, field), field.type));
  const source = values.length === 0 ? 'DEFAULT VALUES' : `(${names}) VALUES (${row})`;
  return binding.statement(
    `INSERT INTO ${tableName(root.mapping.table)} AS ${ROOT} ${source} RETURNING ${key.join(', ')}`,
  );
}

/** Embedded rows of a document that has just been inserted. */
export function insertEmbeds(
  shape: PlanShape,
  key: DocumentKey,
  embeds: CanonicalDocument['embeds'],
): readonly Statement[] {
  return shape.embeds.flatMap((embed) =>
    changeChildren(shape, embed, key, [], embeds[embed.mapping.path] ?? []),
  );
}

/**
 * The statements that turn a document into another one: children that go, then the root, then children that change or
 * come. `unsent` says what becomes of a root field that `root` does not hold; an embed that `embeds` does not hold
 * stays as it is.
 */
export function updateDocument(
  shape: PlanShape,
  key: DocumentKey,
  before: CanonicalDocument,
  after: { root: Content; embeds: CanonicalDocument['embeds']; unsent: 'default' | 'kept' },
): readonly Statement[] {
  const own = writable(shape.root).filter((field) => !shape.root.mapping.key.includes(field.column));
  const changes = changesOf(settable(shape.root, own), before.root, after.root, after.unsent);
  const children = shape.embeds.flatMap((embed) => {
    const { path } = embed.mapping;
    const wanted = after.embeds[path];
    return wanted === undefined ? [] : changeChildren(shape, embed, key, before.embeds[path] ?? [], wanted);
  });
  return changes.size === 0 ? children : [updateRoot(shape, key, changes), ...children];
}

/** Children first, since nothing but the plan may say that they belong to the root. */
export function deleteDocument(shape: PlanShape, key: DocumentKey): readonly Statement[] {
  const children = shape.embeds.map((embed) => {
    const binding = new Binding();
    const condition = parentCondition(shape, embed, CHILD, key, binding);
    return binding.statement(`DELETE FROM ${tableName(embed.mapping.table)} AS ${CHILD} WHERE ${condition}`);
  });
  const binding = new Binding();
  const condition = keyCondition(shape, key, binding);
  const root = binding.statement(
    `DELETE FROM ${tableName(shape.root.mapping.table)} AS ${ROOT} WHERE ${condition}`,
  );
  return [...children, root];
}

/** Fields that a client's write sets: neither the plan nor the database keeps them for the database itself. */
function writable(shape: Shape): readonly Field[] {
  return shape.mapping.fields.filter((field) => {
    const { identity, generated } = fieldColumn(shape, field);
    return !field.readOnly && identity !== 'a' && generated === '';
  });
}

function settable(shape: Shape, fields: readonly Field[]): Settable {
  return { fields, hasDefault: (field) => fieldColumn(shape, field).hasDefault };
}

function updateRoot(shape: PlanShape, key: DocumentKey, changes: Changes): Statement {
  const binding = new Binding();
  const list = assignments(shape.root, changes, binding);
  const condition = keyCondition(shape, key, binding);
  return binding.statement(
    `UPDATE ${tableName(shape.root.mapping.table)} AS ${ROOT} SET ${list} WHERE ${condition}`,
  );
}

function changeChildren(
  shape: PlanShape,
  embed: EmbedShape,
  key: DocumentKey,
  before: readonly Content[],
  after: readonly Content[],
): readonly Statement[] {
  const { mapping } = embed;
  const own = writable(embed).filter((field) => !mapping.parentKey.includes(field.column));
  const changing = own.filter((field) => !mapping.key.includes(field.column));
  for (const row of after) belongs(shape, embed, key, row);
  const { inserted, updated, deleted } = childChanges(mapping, settable(embed, changing), before, after);
  return [
    ...(deleted.length === 0 ? [] : [deleteChildren(shape, embed, key, deleted)]),
    ...updated.map((one) => updateChild(shape, embed, key, one)),
    ...insertChildren(shape, embed, key, { own, rows: inserted }),
  ];
}

/** @throws FicusError `value_invalid` when a row says itself that it belongs to another document. */
function belongs(shape: PlanShape, embed: EmbedShape, key: DocumentKey, row: Content): void {
  for (const [index, name] of embed.mapping.parentKey.entries()) {
    const field = embed.mapping.fields.find((candidate) => candidate.column === name);
    const value = field === undefined ? null : (row[field.path] ?? null);
    if (value !== null && value !== key[index]) {
      throw new FicusError(
        'value_invalid',
        `${embed.mapping.path}: a row has ${field?.path} ${String(value)}; in this document it must be ` +
          `${String(key[index])} (${shape.plan.root.key[index]}) or be left out`,
      );
    }
  }
}

function deleteChildren(
  shape: PlanShape,
  embed: EmbedShape,
  key: DocumentKey,
  childKeys: readonly DocumentKey[],
): Statement {
  const binding = new Binding();
  const condition = parentCondition(shape, embed, CHILD, key, binding);
  const columns = keyFields(embed.mapping).map((field, index) => {
    const side = comparable(CHILD, fieldColumn(embed, field), field.type).equality;
    const list = binding.bind(
      childKeys.map((childKey) => parameterText(field.type, childKey[index] ?? null)),
    );
    return { side, name: `k${index}`, list: `${list}::text[]` };
  });
  const left = columns.map(({ side }) => side.expression).join(', ');
  const right = columns.map(({ side, name }) => side.operand(`k.${name}`)).join(', ');
  const lists = columns.map(({ list }) => list).join(', ');
  const names = columns.map(({ name }) => name).join(', ');
  return binding.statement(
    `DELETE FROM ${tableName(embed.mapping.table)} AS ${CHILD} WHERE ${condition} ` +
      `AND (${left}) IN (SELECT ${right} FROM unnest(${lists}) AS k(${names}))`,
  );
}

function updateChild(
  shape: PlanShape,
  embed: EmbedShape,
  key: DocumentKey,
  { key: childKey, changes }: { key: DocumentKey; changes: Changes },
): Statement {
  const binding = new Binding();
  const list = assignments(embed, changes, binding);
  const parent = parentCondition(shape, embed, CHILD, key, binding);
  const own = keyFields(embed.mapping).map((field, index) => {
    const { expression, operand } = comparable(CHILD, fieldColumn(embed, field), field.type).equality;
    return `${expression} = ${operand(binding.bind(parameterText(field.type, childKey[index] ?? null)))}`;
  });
  return binding.statement(
    `UPDATE ${tableName(embed.mapping.table)} AS ${CHILD} SET ${list} WHERE ${[parent, ...own].join(' AND ')}`,
  );
}

function insertChildren(
  shape: PlanShape,
  embed: EmbedShape,
  key: DocumentKey,
  { own, rows }: { own: readonly Field[]; rows: readonly Content[] },
): readonly Statement[] {
  const { mapping } = embed;
  const parents = keyFields(shape.plan.root).map((field, index) => ({
    column: columnOf(embed, mapping.parentKey[index] ?? ''),
    type: field.type,
    value: key[index] ?? null,
  }));
  const names = [...parents.map(({ column }) => column.name), ...own.map((field) => field.column)];
  const size = Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_PARAMETERS / names.length)));
  const statements: Statement[] = [];
  for (let from = 0; from < rows.length; from += size) {
    const binding = new Binding();
    const tuples = rows.slice(from, from + size).map((row) => {
      const placed = own.map((field): Placed => {
        const sent = row[field.path];
        const value = sent === null && mapping.key.includes(field.column) ? undefined : sent;
        return { column: fieldColumn(embed, field), type: field.type, value };
      });
      return `(${[...parents, ...placed].map((one) => placedValue(one, binding)).join(', ')})`;
    });
    statements.push(
      binding.statement(
        `INSERT INTO ${tableName(mapping.table)} (${names.map(identifier).join(', ')}) VALUES ${tuples.join(', ')}`,
      ),
    );
  }
  return statements;
}

interface Placed {
  readonly column: Column;
  readonly type: FieldType;
  readonly value: CanonicalValue | undefined;
}

function placedValue({ column, type, value }: Placed, binding: Binding): string {
  return value === undefined ? 'DEFAULT' : assigned(column, type, binding.bind(parameterText(type, value)));
}

function assignments(shape: Shape, changes: Changes, binding: Binding): string {
  return [...changes]
    .map(([field, value]) => {
      const column = fieldColumn(shape, field);
      return `${identifier(column.name)} = ${placedValue({ column, type: field.type, value }, binding)}`;
    })
    .join(', ');
}
