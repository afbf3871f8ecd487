import type { ChangeEvent, WireRow } from '#core/change-event';

/** A change event with images as plain rows. */
export interface EventGiven extends Partial<Omit<ChangeEvent, 'key' | 'before' | 'after'>> {
  readonly key?: Record<string, unknown>;
  readonly before?: Record<string, unknown>;
  readonly after?: Record<string, unknown>;
}

export function anEvent(given: EventGiven): ChangeEvent {
  const image = (row: Record<string, unknown> | undefined): WireRow | null =>
    row === undefined ? null : wire(row);
  return {
    table: 's.order',
    op: 'update',
    position: 100n,
    committedAt: 1_000,
    log: { incarnation: 1, partition: 0, offset: 5n },
    calendar: 'proleptic',
    ...given,
    key: image(given.key),
    before: image(given.before),
    after: image(given.after),
  };
}

export function wire(row: Readonly<Record<string, unknown>>): WireRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, { value, schema: null }]));
}
