import type { FieldKind, FieldType } from '#core/field-type';

const INEXACT = 'it is not exact, and values that are equal, such as 0 and -0, have more than one text';
/** Why a type cannot identify a row. */
const NO_KEY: Readonly<Partial<Record<FieldKind, string>>> = {
  array: 'it is no single value',
  bits: 'Debezium cannot read a table in chunks by it',
  boolean: 'databases do not order its values alike',
  bytes: 'its text, base64, has not the order of its bytes',
  double: INEXACT,
  float: INEXACT,
  time: 'Debezium cannot read a table in chunks by it',
  hstore: 'it has no order',
  interval: 'values of one length, such as P1M and P30D, are equal to the database',
  timetz: 'times of different zones are one time in UTC',
  json: 'equal values, such as {"a":1} and {"a": 1}, have more than one text',
};
const KEY_KINDS =
  'legal are int, long, decimal with precision and scale, string, uuid, date, timestamp and timestamptz';

/** A key is a text in URLs, in cursors and between the legs: one value must have one text. */
export function keyTypeFault(type: FieldType): string | null {
  if (type.kind === 'decimal' && type.scale === null)
    return `type decimal without a scale cannot be part of a key: 1 and 1.00 are one _id in MongoDB, but two texts; ${KEY_KINDS}`;
  if ('extended' in type && type.extended === true)
    return 'an extended field cannot be part of a key: snapshots do not have the values that it is for as the log has them; leave extended out';
  const reason = NO_KEY[type.kind];
  return reason === undefined ? null : `type ${type.kind} cannot be part of a key: ${reason}; ${KEY_KINDS}`;
}
