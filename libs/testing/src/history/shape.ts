import type { UNAVAILABLE, ValueDecoder } from '#core/change-event';
import type { CanonicalValue, Content, FieldType } from '#core/field-type';
import type { Field, Plan } from '#core/plan';

/**
 * The unit of the histories: a parent with embedded children, each with a column that the source leaves out of an
 * update that did not touch it.
 */

/** What orders the rows. `column-root`: the children have no version column. */
export const ORDERINGS = ['lsn', 'column', 'column-root', 'db2'] as const;
export type Ordering = (typeof ORDERINGS)[number];

export type TableName = 'parent' | 'child';

/** By column; `TEXTS` names the one that may be left out. */
export type Row = Readonly<Record<string, CanonicalValue>>;

export const KEYS = { parent: 'id', child: 'no' } as const;
export const TEXTS = { parent: 'big', child: 'note' } as const;

export function isVersioned(ordering: Ordering, table: TableName): boolean {
  return ordering === 'column' || (ordering === 'column-root' && table === 'parent');
}

const INT: FieldType = { kind: 'int' };
const LONG: FieldType = { kind: 'long' };
const TEXT: FieldType = { kind: 'string', trim: false, length: null };

export function historyPlan(ordering: Ordering): Plan {
  const version = (table: TableName): readonly Field[] =>
    isVersioned(ordering, table) ? [field('rv', LONG)] : [];
  return {
    unit: 'u',
    owner: 'o',
    description: '',
    mode: 'RW',
    system: 's',
    version: ordering.startsWith('column') ? { kind: 'column', column: 'rv' } : { kind: 'lsn' },
    topic: 't.s.parent',
    collection: 'c',
    root: {
      table: 's.parent',
      key: ['id'],
      fields: [field('id', INT), field('small', INT), field('big', TEXT), ...version('parent')],
      ignore: [],
    },
    embeds: [
      {
        path: 'rows',
        table: 's.child',
        topic: 't.s.child',
        parentKey: ['parent'],
        key: ['no'],
        cardinality: 'many',
        fields: [field('no', INT), field('v', INT), field('note', TEXT), ...version('child')],
        ignore: [],
      },
    ],
    truncate: 'hold',
    reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
    levels: { lagMs: 1, driftPpm: 0, verifiedMs: 1, badShare: 0.05 },
  };
}

function field(path: string, type: FieldType): Field {
  return { path, segments: [path], column: path, type, required: false, readOnly: false };
}

/** What a row's document holds of it: a child's parent is the document it stands in. */
export function contentOf(table: TableName, row: Row): Content {
  if (table === 'parent') return row;
  const { parent: _parent, ...content } = row;
  return content;
}

export const passOn: ValueDecoder = (_type, { value }) => value as CanonicalValue | typeof UNAVAILABLE;
