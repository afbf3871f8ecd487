import type { DeadLetter } from '#core/ports/dead-letters';

/** A dead letter of a unit, changed as the test needs it. */
export function aLetter(unit: string, offset: number, given: Partial<DeadLetter> = {}): DeadLetter {
  const topic = given.topic ?? unit;
  return {
    id: `${topic}/0/${offset}`,
    unit,
    topic,
    partition: 0,
    offset: String(offset),
    epoch: 1,
    key: 'a2V5',
    value: 'c2VjcmV0',
    omitted: null,
    row: `${topic} 1`,
    state: 'dead',
    code: 'event_unparsable',
    reason: 'no JSON',
    cause: 'no JSON',
    at: new Date(Date.UTC(2026, 0, 1) + offset * 1_000).toISOString(),
    order: null,
    rehearsal: null,
    settledAt: null,
    ...given,
  };
}
