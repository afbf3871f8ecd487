import type { CanonicalDocument, DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import type { Content } from '#core/field-type';
import { type Field, keyFields } from '#core/plan';
import { type Changes, changesOf, childChanges, type Settable } from '../row-changes.ts';
import { columnOf, type EmbedShape, type PlanShape, type Shape, writable } from './columns.ts';
import { assigned } from './expression.ts';
import { equals, keyCondition, parentCondition } from './read-sql.ts';
import { identifier, joined, type Sql, sql, tableName } from './statement.ts';

/** Inserts the root row; a key that is left open is the database's to choose. */
export function insertRoot(shape: PlanShape, content: Content): Sql {
  const { root } = shape;
  const fields = writable(root).filter((field) => {
    const value = content[field.path];
    return value !== undefined && !(value === null && root.mapping.key.includes(field.column));
  });
  return insertion(
    root,
    fields.map((field) => [field.column, assigned(columnOf(root, field.column), content[field.path])]),
  );
}

export function insertEmbeds(
  shape: PlanShape,
  key: DocumentKey,
  embeds: CanonicalDocument['embeds'],
): readonly Sql[] {
  return shape.embeds.flatMap((embed) =>
    changeChildren(shape, embed, key, [], embeds[embed.mapping.path] ?? []),
  );
}

/**
 * The statements that turn a document into another one. `unsent` says what becomes of a root field that `root` does
 * not hold; an embed that `embeds` does not hold stays as it is.
 */
export function updateDocument(
  shape: PlanShape,
  key: DocumentKey,
  before: CanonicalDocument,
  after: { root: Content; embeds: CanonicalDocument['embeds']; unsent: 'default' | 'kept' },
): readonly Sql[] {
  const own = writable(shape.root).filter((field) => !shape.root.mapping.key.includes(field.column));
  const changes = changesOf(settable(shape.root, own), before.root, after.root, after.unsent);
  const children = shape.embeds.flatMap((embed) => {
    const { path } = embed.mapping;
    const wanted = after.embeds[path];
    return wanted === undefined ? [] : changeChildren(shape, embed, key, before.embeds[path] ?? [], wanted);
  });
  if (changes.size === 0) return children;
  const table = tableName(shape.root.mapping.table);
  return [
    sql`UPDATE ${table} SET ${assignments(shape.root, changes)} WHERE ${keyCondition(shape, key)}`,
    ...children,
  ];
}

/** Children first, since nothing but the plan may say that they belong to the root. */
export function deleteDocument(shape: PlanShape, key: DocumentKey): readonly Sql[] {
  const children = shape.embeds.map(
    (embed) => sql`DELETE FROM ${tableName(embed.mapping.table)} WHERE ${parentCondition(shape, embed, key)}`,
  );
  return [
    ...children,
    sql`DELETE FROM ${tableName(shape.root.mapping.table)} WHERE ${keyCondition(shape, key)}`,
  ];
}

function settable(shape: Shape, fields: readonly Field[]): Settable {
  return { fields, hasDefault: (field) => columnOf(shape, field.column).hasDefault };
}

function changeChildren(
  shape: PlanShape,
  embed: EmbedShape,
  key: DocumentKey,
  before: readonly Content[],
  after: readonly Content[],
): readonly Sql[] {
  const { mapping } = embed;
  const own = writable(embed).filter((field) => !mapping.parentKey.includes(field.column));
  const changing = own.filter((field) => !mapping.key.includes(field.column));
  for (const row of after) belongs(shape, embed, key, row);
  const { inserted, updated, deleted } = childChanges(mapping, settable(embed, changing), before, after);
  const table = tableName(mapping.table);
  const parent = parentCondition(shape, embed, key);
  const where = (childKey: DocumentKey): Sql => {
    const parts = keyFields(mapping).map((field, index) =>
      equals(columnOf(embed, field.column), childKey[index] ?? null),
    );
    return joined([parent, ...parts], ' AND ');
  };
  return [
    ...deleted.map((childKey) => sql`DELETE FROM ${table} WHERE ${where(childKey)}`),
    ...updated.map(
      (one) => sql`UPDATE ${table} SET ${assignments(embed, one.changes)} WHERE ${where(one.key)}`,
    ),
    ...inserted.map((row) => insertChild(shape, embed, key, row, own)),
  ];
}

function insertChild(
  shape: PlanShape,
  embed: EmbedShape,
  key: DocumentKey,
  row: Content,
  own: readonly Field[],
): Sql {
  const parents = keyFields(shape.plan.root).map((_, index): [string, Sql] => {
    const name = embed.mapping.parentKey[index] ?? '';
    return [name, assigned(columnOf(embed, name), key[index] ?? null)];
  });
  const values = own.flatMap((field): [string, Sql][] => {
    const value = row[field.path];
    if (value === undefined || (value === null && embed.mapping.key.includes(field.column))) return [];
    return [[field.column, assigned(columnOf(embed, field.column), value)]];
  });
  return insertion(embed, [...parents, ...values]);
}

function insertion(shape: Shape, values: readonly (readonly [string, Sql])[]): Sql {
  const names = values.map(([name]) => identifier(name)).join(', ');
  const row = joined(
    values.map(([, value]) => value),
    ', ',
  );
  return sql`INSERT INTO ${tableName(shape.mapping.table)} (${names}) VALUES (${row})`;
}

/** @throws FicusError `value_invalid` when a row says itself that it belongs to another document. */
function belongs(shape: PlanShape, embed: EmbedShape, key: DocumentKey, row: Content): void {
  for (const [index, name] of embed.mapping.parentKey.entries()) {
    const field = embed.mapping.fields.find((candidate) => candidate.column === name);
    const value = field === undefined ? null : (row[field.path] ?? null);
    if (value === null || value === key[index]) continue;
    throw new FicusError(
      'value_invalid',
      `${embed.mapping.path}: a row has ${field?.path} ${String(value)}; in this document it must be ${String(key[index])} (${shape.plan.root.key[index]}) or be left out`,
    );
  }
}

function assignments(shape: Shape, changes: Changes): Sql {
  const parts = [...changes].map(([field, value]) => {
    const column = columnOf(shape, field.column);
    return sql`${identifier(column.name)} = ${assigned(column, value)}`;
  });
  return joined(parts, ', ');
}
