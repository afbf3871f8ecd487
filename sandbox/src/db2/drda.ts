import {
  type DdmObject,
  kindOf,
  readParameters,
  type Segment,
  soleObject,
  writeObject,
  writeSegment,
} from './dss.ts';
import { DB2_CODES } from './sqlstate.ts';
import { rewriteStatement } from './statement.ts';

/**
 * What must change in the conversation between IBM's CLI driver and Derby's network server, which speak the same
 * protocol but for a few details. Pure: a segment in, its bytes out.
 *
 * The server behind this is a STAND-IN for Db2, not Db2.
 */

const CODE_POINT = {
  EXCSAT: 0x1041,
  ACCRDB: 0x2001,
  DSCSQLSTT: 0x2008,
  EXCSQLSET: 0x2014,
  SQLCARD: 0x2408,
  SQLSTT: 0x2414,
};
const PARAMETER = { SRVRLSLV: 0x115a, PRDID: 0x112e, TRGDFTRT: 0x213b };

/** The product id that Derby expects: its own client's, of a release that asks nothing new of it. */
const CLIENT = 'DNC10010';
/** `DNC10010` in EBCDIC: letters and digits have the same place in every code page of that family. */
const CLIENT_EBCDIC = Buffer.from([0xc4, 0xd5, 0xc3, 0xf1, 0xf0, 0xf0, 0xf1, 0xf0]);

type Change = Buffer | 'drop';
/** By request, then by parameter. Derby answers a parameter that it does not know with a protocol error. */
const REQUEST_CHANGES: Readonly<Record<number, Readonly<Record<number, Change>>>> = {
  [CODE_POINT.EXCSAT]: { [PARAMETER.SRVRLSLV]: CLIENT_EBCDIC },
  [CODE_POINT.ACCRDB]: {
    [PARAMETER.PRDID]: Buffer.from(CLIENT, 'ascii'),
    [PARAMETER.TRGDFTRT]: Buffer.from([0xf0]),
  },
  [CODE_POINT.EXCSQLSET]: { 8462: 'drop' },
  [CODE_POINT.DSCSQLSTT]: { 8539: 'drop' },
};

/** The driver drops the connection when an error's message is longer. */
const LONGEST_MESSAGE = 70;
const NO_MORE_ROWS = '02000';

/** A client's segment as Derby wants it. */
export function toServer(segment: Segment): Buffer {
  const object = soleObject(segment.payload);
  if (object === null) return segment.raw;
  if (kindOf(segment) === 'request') return written(segment, changeRequest(object));
  if (kindOf(segment) === 'object' && object.codePoint === CODE_POINT.SQLSTT)
    return written(segment, changeStatement(object));
  return segment.raw;
}

/** The server's segment as IBM's driver wants it. */
export function toClient(segment: Segment): Buffer {
  const object = soleObject(segment.payload);
  if (object === null || kindOf(segment) !== 'object' || object.codePoint !== CODE_POINT.SQLCARD)
    return segment.raw;
  return written(segment, changeCard(object));
}

function written(segment: Segment, changed: DdmObject | null): Buffer {
  return changed === null
    ? segment.raw
    : writeSegment(segment.format, segment.correlation, writeObject(changed));
}

function changeRequest(request: DdmObject): DdmObject | null {
  const changes = REQUEST_CHANGES[request.codePoint];
  const parameters = changes === undefined ? null : readParameters(request.content);
  if (changes === undefined || parameters === null) return null;
  const kept = parameters.flatMap((parameter) => {
    const change = changes[parameter.codePoint];
    if (change === 'drop') return [];
    return [writeObject({ codePoint: parameter.codePoint, content: change ?? parameter.content })];
  });
  return { codePoint: request.codePoint, content: Buffer.concat(kept) };
}

/**
 * A statement is one or two nullable strings (mixed, then single-byte characters): 0xFF for none, or 0x00, a 4-byte
 * length and the text.
 */
function changeStatement(statement: DdmObject): DdmObject | null {
  const content = Buffer.from(statement.content);
  for (let at = 0; at < content.length; ) {
    if (content.readUInt8(at) === 0xff) {
      at += 1;
      continue;
    }
    if (content.readUInt8(at) !== 0 || at + 5 > content.length) return null;
    const start = at + 5;
    const end = start + content.readUInt32BE(at + 1);
    if (end > content.length) return null;
    const before = content.toString('latin1', start, end);
    const after = rewriteStatement(before);
    // A statement too short for its replacement stays: Derby's syntax error is then the better answer.
    if (after.length === before.length) content.write(after, start, 'latin1');
    at = end;
  }
  return { codePoint: statement.codePoint, content };
}

/** Places in an SQLCARD's content, up to the first field of changing length. */
const CARD = { code: 1, state: 5, extended: 18, database: 54 };

function changeCard(card: DdmObject): DdmObject | null {
  const { content } = card;
  // 0xFF at the head: no SQLCA, all went well.
  if (content.length < CARD.database + 2 || content.readUInt8(0) !== 0) return null;
  const state = content.toString('ascii', CARD.state, CARD.state + 5);
  const head = Buffer.from(content.subarray(0, CARD.database));
  const code = DB2_CODES[state];
  if (code !== undefined) {
    head.writeInt32BE(code.code, CARD.code);
    head.write(code.state, CARD.state, 'ascii');
  }
  const rest = content.subarray(CARD.database);
  if (content.readUInt8(CARD.extended) !== 0)
    return { codePoint: card.codePoint, content: Buffer.concat([head, rest]) };
  const database = 2 + rest.readUInt16BE(0);
  if (rest.length < database + 2) return null;
  const length = rest.readUInt16BE(database);
  const message = rest.subarray(database + 2, database + 2 + length);
  const kept = message.subarray(0, state === NO_MORE_ROWS ? 0 : wholeCharacters(message, LONGEST_MESSAGE));
  const size = Buffer.alloc(2);
  size.writeUInt16BE(kept.length, 0);
  const tail = rest.subarray(database + 2 + length);
  return {
    codePoint: card.codePoint,
    content: Buffer.concat([head, rest.subarray(0, database), size, kept, tail]),
  };
}

/** The most bytes, up to `limit`, that do not end inside a UTF-8 character. */
function wholeCharacters(text: Buffer, limit: number): number {
  if (text.length <= limit) return text.length;
  let end = limit;
  while (end > 0 && (text.readUInt8(end) & 0xc0) === 0x80) end -= 1;
  return end;
}
