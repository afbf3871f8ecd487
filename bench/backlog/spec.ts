import type { OrderChange } from './order-row.ts';
import { mixedOf, repeatedOf, seedOf, snapshotOf, updatesOf } from './sequence.ts';

/** Names a backlog, so that every process can build the same one. */
export interface BacklogSpec {
  readonly kind: 'seed' | 'mixed' | 'updates' | 'repeated' | 'snapshot';
  readonly keys: number;
  readonly events: number;
}

export function changesOf({ kind, keys, events }: BacklogSpec): OrderChange[] {
  switch (kind) {
    case 'seed':
      return seedOf(keys);
    case 'mixed':
      return mixedOf(keys, events);
    case 'updates':
      return updatesOf(keys, events);
    case 'repeated':
      return repeatedOf(keys, events);
    case 'snapshot':
      return snapshotOf(events);
  }
}
