import { z } from 'zod';
import type { RowImage } from './column.ts';

/** A row that somebody inserts into the signal table, as Debezium reads it: id, type, data. */
export interface SnapshotSignal {
  readonly id: string;
  /** `SCHEMA.TABLE` */
  readonly collections: readonly string[];
}

const Data = z.object({
  'data-collections': z.array(z.string()).min(1),
  type: z.string().default('incremental'),
});

/** The signal of a row, or null when it asks for something that is not known here (said on standard error). */
export function parseSignal(row: RowImage): SnapshotSignal | null {
  const [id, type, data] = Object.values(row).map((value) => (value === null ? '' : String(value).trim()));
  if (type !== 'execute-snapshot') return null;
  try {
    const parsed = Data.parse(JSON.parse(data ?? ''));
    if (parsed.type.toLowerCase() !== 'incremental') return null;
    // A name may begin with the database's.
    const collections = parsed['data-collections'].map((name) => name.split('.').slice(-2).join('.'));
    return { id: id ?? '', collections };
  } catch (error) {
    console.error(`signal ${id} cannot be understood: ${String(error)}`);
    return null;
  }
}
