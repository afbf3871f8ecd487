import { FicusError } from '#core/errors';

const LSN = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;
const MAX = 2n ** 64n - 1n;

/**
 * A position in PostgreSQL's log, `16/B374D848`: the high and the low 32 bits in hexadecimal (PostgreSQL
 * documentation, "pg_lsn type"). As one number it is what Debezium writes as `source.lsn`.
 * @throws FicusError `value_invalid` naming the text.
 */
export function parseLsn(text: string): bigint {
  const match = LSN.exec(text);
  if (match === null) {
    throw new FicusError(
      'value_invalid',
      `"${text}" is no log position; legal are two hexadecimal numbers of up to 8 digits, such as 16/B374D848`,
    );
  }
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** @throws FicusError `value_invalid` when the number is no unsigned 64-bit one. */
export function formatLsn(position: bigint): string {
  if (position < 0n || position > MAX) {
    throw new FicusError('value_invalid', `${position} is no log position; legal are 0 to ${MAX}`);
  }
  const half = (bits: bigint): string => bits.toString(16).toUpperCase();
  return `${half(position >> 32n)}/${half(position & 0xffff_ffffn)}`;
}
