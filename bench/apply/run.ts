import type { Measured } from '../process/measured.ts';

/** One measured run of one contestant. */
export interface Run extends Measured {
  readonly events: number;
  /** CPU of MongoDB's server meanwhile. */
  readonly mongodMs: number;
  readonly notes?: Readonly<Record<string, number>>;
}

export function rateOf({ events, ms }: Run): number {
  return (events * 1_000) / ms;
}
