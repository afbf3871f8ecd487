/**
 * Derby's errors as Db2 says them: Derby has states of its own making and one SQLCODE for nearly all of them, while
 * drivers and programs decide by Db2's. A state that is not listed passes unchanged.
 */
export interface Db2Code {
  readonly state: string;
  readonly code: number;
}

export const DB2_CODES: Readonly<Record<string, Db2Code>> = {
  '02000': { state: '02000', code: 100 },
  '22001': { state: '22001', code: -433 },
  '22003': { state: '22003', code: -413 },
  '22012': { state: '22012', code: -801 },
  '22018': { state: '22018', code: -420 },
  '23502': { state: '23502', code: -407 },
  '23503': { state: '23503', code: -530 },
  '23505': { state: '23505', code: -803 },
  '23513': { state: '23513', code: -545 },
  '40001': { state: '40001', code: -911 },
  // A lock timeout; Derby rolls the statement back, Db2 with its defaults the transaction.
  '40XL1': { state: '57033', code: -913 },
  '40XL2': { state: '57033', code: -913 },
  // Java's own exception: Derby stumbled over its cache of statements, and nothing was done. The same call succeeds.
  XJ001: { state: '40001', code: -911 },
  '42X01': { state: '42601', code: -104 },
  '42X04': { state: '42703', code: -206 },
  '42X05': { state: '42704', code: -204 },
  '42X14': { state: '42703', code: -206 },
  '42Y07': { state: '42704', code: -204 },
  '42Y55': { state: '42704', code: -204 },
  // A sequence's place in the catalogue could not be locked, at once: the same call succeeds.
  X0Y84: { state: '40001', code: -911 },
  X0Y32: { state: '42710', code: -601 },
  X0Y68: { state: '42710', code: -601 },
};
