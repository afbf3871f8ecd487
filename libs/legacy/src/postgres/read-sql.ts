import type { DocumentKey } from '#core/document';
import { keyFields } from '#core/plan';
import { columnOf, type EmbedShape, fieldColumn, type PlanShape, type Shape } from './columns.ts';
import { comparable, parameterText, textOf } from './expression.ts';
import { Binding, identifier, type Statement, tableName } from './statement.ts';

/** Alias of the root's rows in every statement. */
export const ROOT = 'r';

/**
 * The head of a statement that reads whole documents: one statement is one snapshot. Embedded rows come as a JSON
 * array of text arrays, see `readDocument`. Text arrays, since a function takes no more than a hundred arguments.
 */
export function selectDocuments(shape: PlanShape): string {
  const cells = [...fieldCells(shape.root, ROOT), `${mark(ROOT)}`];
  const embeds = shape.embeds.map((embed, index) => `(${selectChildren(shape, embed, `e${index}`)})`);
  return `SELECT ${[...cells, ...embeds].join(', ')} FROM ${tableName(shape.root.mapping.table)} AS ${ROOT}`;
}

export function selectByKey(shape: PlanShape, key: DocumentKey): Statement {
  const binding = new Binding();
  const condition = keyCondition(shape, key, binding);
  return binding.statement(`${selectDocuments(shape)} WHERE ${condition}`);
}

/** All documents with one of these keys, in no order; a key that is named twice comes once. */
export function selectByKeys(shape: PlanShape, keys: readonly DocumentKey[]): Statement {
  const binding = new Binding();
  const columns = keyFields(shape.plan.root).map((field, index) => {
    const side = comparable(ROOT, fieldColumn(shape.root, field), field.type).equality;
    const placeholder = binding.bind(keys.map((key) => parameterText(field.type, key[index] ?? null)));
    return { side, name: `k${index}`, list: `${placeholder}::text[]` };
  });
  const left = columns.map(({ side }) => side.expression).join(', ');
  const right = columns.map(({ side, name }) => side.operand(`k.${name}`)).join(', ');
  const lists = columns.map(({ list }) => list).join(', ');
  const names = columns.map(({ name }) => name).join(', ');
  return binding.statement(
    `${selectDocuments(shape)} WHERE (${left}) IN (SELECT ${right} FROM unnest(${lists}) AS k(${names}))`,
  );
}

/** Takes the root row's lock, so that the writers of one document go one after the other. */
export function lockRoot(shape: PlanShape, key: DocumentKey): Statement {
  const binding = new Binding();
  const condition = keyCondition(shape, key, binding);
  return binding.statement(
    `SELECT '' FROM ${tableName(shape.root.mapping.table)} AS ${ROOT} WHERE ${condition} FOR UPDATE`,
  );
}

/** Locks the rows of one embed, against writers that do not take the root's lock. */
export function lockChildren(shape: PlanShape, embed: EmbedShape, key: DocumentKey): Statement {
  const binding = new Binding();
  const condition = parentCondition(shape, embed, 'c', key, binding);
  return binding.statement(
    `SELECT '' FROM ${tableName(embed.mapping.table)} AS c WHERE ${condition} FOR UPDATE`,
  );
}

/** The root row with this key; the root's alias is `r`. */
export function keyCondition(shape: PlanShape, key: DocumentKey, binding: Binding): string {
  const fields = keyFields(shape.plan.root);
  return fields
    .map((field, index) => {
      const { expression, operand } = comparable(ROOT, fieldColumn(shape.root, field), field.type).equality;
      return `${expression} = ${operand(binding.bind(parameterText(field.type, key[index] ?? null)))}`;
    })
    .join(' AND ');
}

/** The embedded rows of the document with this key. */
export function parentCondition(
  shape: PlanShape,
  embed: EmbedShape,
  alias: string,
  key: DocumentKey,
  binding: Binding,
): string {
  const fields = keyFields(shape.plan.root);
  return embed.mapping.parentKey
    .map((name, index) => {
      const type = fields[index]?.type ?? { kind: 'string', trim: false, length: null };
      const { expression, operand } = comparable(alias, columnOf(embed, name), type).equality;
      return `${expression} = ${operand(binding.bind(parameterText(type, key[index] ?? null)))}`;
    })
    .join(' AND ');
}

function selectChildren(shape: PlanShape, embed: EmbedShape, alias: string): string {
  const { mapping } = embed;
  const cells = [...fieldCells(embed, alias), mark(alias)].join(', ');
  const joined = mapping.parentKey
    .map(
      (name, index) =>
        `${alias}.${identifier(name)} = ${ROOT}.${identifier(shape.plan.root.key[index] ?? name)}`,
    )
    .join(' AND ');
  return `SELECT json_agg(ARRAY[${cells}]::text[])::text FROM ${tableName(mapping.table)} AS ${alias} WHERE ${joined}`;
}

function fieldCells(shape: Shape, alias: string): readonly string[] {
  return shape.mapping.fields.map((field) => textOf(alias, fieldColumn(shape, field), field.type));
}

/** The row version's transaction and place: another one is another state of the row. */
function mark(alias: string): string {
  return `${alias}.xmin::text || ${alias}.ctid::text`;
}
