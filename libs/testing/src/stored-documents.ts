import type { StoredDocument, StoredRow } from '#core/apply';
import type { CanonicalDocument } from '#core/document';
import type { Content } from '#core/field-type';
import { keyText } from '#core/key';
import { keyFields, type Plan } from '#core/plan';
import { keyOf } from '#core/render';

/** A live row as a streamed event leaves it, changed as the test needs it. */
export function aRow(content: Content, given: Partial<StoredRow> = {}): StoredRow {
  return {
    version: {
      epoch: 1,
      streamed: 2n ** 62n + 1n,
      written: null,
      snapshot: null,
      counter: null,
      log: { incarnation: 1, partition: 3, offset: 2n ** 53n + 1n },
    },
    live: true,
    digest: 'digest',
    incomplete: [],
    doubtful: false,
    content,
    unmapped: {},
    ...given,
  };
}

/** A document as the replicator would store it for the first time. */
export function storedOf(plan: Plan, { root, embeds }: CanonicalDocument): StoredDocument {
  // A loaded row knows every mapped field: one that was not sent is null.
  const whole = (fields: Plan['root']['fields'], content: Content): Content =>
    Object.fromEntries(fields.map(({ path }) => [path, content[path] ?? null]));
  return {
    key: keyOf(keyFields(plan.root), root),
    revision: null,
    root: aRow(whole(plan.root.fields, root)),
    embeds: Object.fromEntries(
      plan.embeds.map((embed) => [
        embed.path,
        Object.fromEntries(
          (embeds[embed.path] ?? []).map((row) => [
            keyText(keyOf(keyFields(embed), row)),
            aRow(whole(embed.fields, row)),
          ]),
        ),
      ]),
    ),
    committedAt: 1_767_225_600_000,
  };
}
