import fc from 'fast-check';
import type { CanonicalDocument } from '#core/document';
import type { Content } from '#core/field-type';
import { keyText } from '#core/key';
import { type Embed, keyFields, type Plan } from '#core/plan';
import { keyOf, sortRows } from '#core/render';
import { contentOf } from './random-values.ts';

/** Whole documents of a plan, as a client may send them: embedded rows with unique keys, in their order. */
export function documentOf(plan: Plan): fc.Arbitrary<CanonicalDocument> {
  return contentOf(plan.root.fields).chain((root) =>
    fc
      .tuple(...plan.embeds.map((embed) => rowsOf(embed, keyFieldsInherited(plan, embed, root))))
      .map((rows) => ({
        root,
        embeds: Object.fromEntries(plan.embeds.map((embed, index) => [embed.path, rows[index] ?? []])),
      })),
  );
}

function rowsOf(embed: Embed, inherited: Content): fc.Arbitrary<readonly Content[]> {
  const own = embed.fields.filter((field) => inherited[field.path] === undefined);
  const key = keyFields(embed);
  return fc
    .uniqueArray(contentOf(own), {
      maxLength: embed.cardinality === 'one' ? 1 : 4,
      selector: (row) => keyText(keyOf(key, row)),
    })
    .map((rows) =>
      sortRows(
        embed,
        rows.map((row) => ({ ...row, ...inherited })),
      ),
    );
}

function keyFieldsInherited(plan: Plan, embed: Embed, root: Content): Content {
  const inherited: Record<string, Content[string]> = {};
  for (const [index, field] of keyFields(plan.root).entries()) {
    const child = embed.fields.find((candidate) => candidate.column === embed.parentKey[index]);
    if (child !== undefined) inherited[child.path] = root[field.path] ?? null;
  }
  return inherited;
}
