import { FicusError } from '#core/errors';
import type { Position } from '#core/version';

/** Hex digits of each part of a Db2 log sequence number, once its colons are taken out: 16 bytes (10 on z/OS). */
const DB2_WIDTH = 32;

/**
 * A record's position in the source's log: PostgreSQL's `lsn` as a 64-bit integer; Db2's `commit_lsn` and
 * `change_lsn` (hex with colons) as one fixed-width text that sorts as the pair does. A row of an incremental snapshot
 * has no `lsn`: it stands where the connector was when it sent it, as `sequence` says (a JSON text of the lsn of the
 * last commit and of the last change). Null: the connector knows none.
 */
export function streamPosition(source: {
  readonly lsn?: number | bigint | null | undefined;
  readonly sequence?: string | null | undefined;
  readonly commit_lsn?: string | null | undefined;
  readonly change_lsn?: string | null | undefined;
}): Position | null {
  if (source.lsn !== null && source.lsn !== undefined) return BigInt(source.lsn);
  if (source.sequence) return lastOf(source.sequence);
  if (!source.commit_lsn) return null;
  return `${db2Sequence(source.commit_lsn)}/${db2Sequence(source.change_lsn ?? '')}`;
}

/** Java prints numbers without leading zeros, so the longer text is the larger one. */
function lastOf(sequence: string): bigint | null {
  let last = '';
  for (const digits of sequence.match(/\d+/g) ?? [])
    if (digits.length > last.length || (digits.length === last.length && digits > last)) last = digits;
  return last === '' ? null : BigInt(last);
}

function db2Sequence(text: string): string {
  const hex = text.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]*$/.test(hex) || hex.length > DB2_WIDTH) {
    throw new FicusError(
      'event_unparsable',
      `"${text}" is no Db2 log sequence number; legal are up to ${DB2_WIDTH} hex digits and colons`,
    );
  }
  return hex.padStart(DB2_WIDTH, '0');
}
