import { describe, expect, it } from 'vitest';
import { toClient, toServer } from './drda.ts';
import {
  type DdmObject,
  readParameters,
  type Segment,
  SegmentReader,
  soleObject,
  writeObject,
  writeSegment,
} from './dss.ts';

const REQUEST = 0x01;
const OBJECT = 0x03;

function segment(format: number, payload: Buffer): Segment {
  const [only] = new SegmentReader().push(writeSegment(format, 7, payload));
  if (only === undefined) throw new Error('no segment');
  return only;
}

function request(codePoint: number, parameters: readonly DdmObject[]): Segment {
  return segment(REQUEST, writeObject({ codePoint, content: Buffer.concat(parameters.map(writeObject)) }));
}

function parametersAfter(changed: Buffer): ReadonlyMap<number, string> {
  const [only] = new SegmentReader().push(changed);
  const object = only === undefined ? null : soleObject(only.payload);
  return new Map(
    (readParameters(object?.content ?? Buffer.alloc(0)) ?? []).map(({ codePoint, content }) => [
      codePoint,
      content.toString('hex'),
    ]),
  );
}

const ascii = (text: string): Buffer => Buffer.from(text, 'ascii');

interface RequestCase {
  readonly name: string;
  readonly codePoint: number;
  readonly sent: readonly DdmObject[];
  readonly expected: ReadonlyMap<number, string>;
}

const kept: DdmObject = { codePoint: 0x1147, content: ascii('QDB2') };
const cases: readonly RequestCase[] = [
  {
    name: 'EXCSAT names the release of a client that Derby serves, in EBCDIC',
    codePoint: 0x1041,
    sent: [kept, { codePoint: 0x115a, content: ascii('SQL12010') }],
    expected: new Map([
      [0x1147, '51444232'],
      [0x115a, 'c4d5c3f1f0f0f1f0'],
    ]),
  },
  {
    name: 'ACCRDB names the same product, and asks for no type definition of its own',
    codePoint: 0x2001,
    sent: [
      { codePoint: 0x112e, content: ascii('SQL12010') },
      { codePoint: 0x213b, content: Buffer.from([0xf1]) },
    ],
    expected: new Map([
      [0x112e, ascii('DNC10010').toString('hex')],
      [0x213b, 'f0'],
    ]),
  },
  {
    name: 'EXCSQLSET loses what Derby does not know',
    codePoint: 0x2014,
    sent: [kept, { codePoint: 0x210e, content: ascii('x') }],
    expected: new Map([[0x1147, '51444232']]),
  },
  {
    name: 'DSCSQLSTT too',
    codePoint: 0x2008,
    sent: [{ codePoint: 0x215b, content: ascii('x') }, kept],
    expected: new Map([[0x1147, '51444232']]),
  },
];

describe('requests', () => {
  it.each(cases)('$name', ({ codePoint, sent, expected }) => {
    expect(parametersAfter(toServer(request(codePoint, sent)))).toEqual(expected);
  });

  it('of any other kind pass as they are, whatever they hold', () => {
    const other = request(0x200e, [kept]);
    expect(toServer(other)).toBe(other.raw);
    const broken = segment(REQUEST, Buffer.from([0, 6, 0x10, 0x41, 0xff, 0xff]));
    expect(toServer(broken)).toBe(broken.raw);
  });
});

function statement(text: string): Segment {
  const bytes = Buffer.from(text, 'utf8');
  const head = Buffer.from([0, 0, 0, 0, 0]);
  head.writeUInt32BE(bytes.length, 1);
  return segment(
    OBJECT,
    writeObject({ codePoint: 0x2414, content: Buffer.concat([head, bytes, Buffer.from([0xff])]) }),
  );
}

describe('statements', () => {
  it('are rewritten in place, their lengths and other bytes as they were', () => {
    const sent = statement("SELECT TABNAME, 'żółw SYSCAT.x' FROM SYSCAT.TABLES");
    const changed = toServer(sent);
    expect(changed.length).toBe(sent.raw.length);
    expect(changed.toString('utf8')).toContain("SELECT TABNAME, 'żółw SYSCAT.x' FROM CATSYS.TABLES");
  });

  it('longer than a segment are rewritten too', () => {
    const sent = statement(`SELECT 1 FROM SYSCAT.TABLES WHERE TABNAME IN ('${'x'.repeat(80_000)}')`);
    const [read] = new SegmentReader().push(toServer(sent));
    expect(read?.payload.includes('FROM CATSYS.TABLES')).toBe(true);
    expect(read?.payload.length).toBe(sent.payload.length);
  });
});

/** An SQLCARD as Derby writes it: SQLCODE, SQLSTATE, product, the extended group with database and message, no more. */
function card(state: string, message: string, code = -1): Segment {
  const head = Buffer.alloc(54);
  head.writeInt32BE(code, 1);
  head.write(state.padEnd(5), 5, 'ascii');
  head.write('CSS10160', 10, 'ascii');
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'utf8');
    return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
  };
  const content = Buffer.concat([head, text('PLANT'), text(message), text(''), Buffer.from([0xff])]);
  return segment(OBJECT, writeObject({ codePoint: 0x2408, content }));
}

function readCard(changed: Buffer): { code: number; state: string; message: string; tail: string } {
  const [only] = new SegmentReader().push(changed);
  const content = (only === undefined ? null : soleObject(only.payload))?.content ?? Buffer.alloc(0);
  const size = content.readUInt16BE(61);
  return {
    code: content.readInt32BE(1),
    state: content.toString('ascii', 5, 10),
    message: content.toString('utf8', 63, 63 + size),
    tail: content.subarray(63 + size).toString('hex'),
  };
}

interface CardCase {
  readonly name: string;
  readonly state: string;
  readonly message: string;
  readonly expected: { readonly code: number; readonly state: string; readonly message: string };
}

const cards: readonly CardCase[] = [
  {
    name: 'the end of a cursor is +100 without a word',
    state: '02000',
    message: 'no more',
    expected: { code: 100, state: '02000', message: '' },
  },
  {
    name: 'a duplicate key',
    state: '23505',
    message: 'T1',
    expected: { code: -803, state: '23505', message: 'T1' },
  },
  {
    name: 'a syntax error',
    state: '42X01',
    message: 'no',
    expected: { code: -104, state: '42601', message: 'no' },
  },
  {
    name: 'an unknown table',
    state: '42X05',
    message: 'NOPE',
    expected: { code: -204, state: '42704', message: 'NOPE' },
  },
  { name: 'a deadlock', state: '40001', message: '', expected: { code: -911, state: '40001', message: '' } },
  {
    name: 'a state that nobody listed',
    state: 'XYZ01',
    message: 'm',
    expected: { code: -1, state: 'XYZ01', message: 'm' },
  },
  {
    name: 'a message at the limit',
    state: '23505',
    message: 'x'.repeat(70),
    expected: { code: -803, state: '23505', message: 'x'.repeat(70) },
  },
  {
    name: 'a message over it',
    state: '23505',
    message: 'x'.repeat(71),
    expected: { code: -803, state: '23505', message: 'x'.repeat(70) },
  },
  {
    name: 'a message with a character across it',
    state: '23505',
    message: `${'x'.repeat(69)}日本`,
    expected: { code: -803, state: '23505', message: 'x'.repeat(69) },
  },
];

describe('answers', () => {
  it.each(cards)('$name', ({ state, message, expected }) => {
    expect(readCard(toClient(card(state, message)))).toEqual({ ...expected, tail: '0000ff' });
  });

  it('without an error, and of other kinds, pass as they are', () => {
    for (const payload of [
      writeObject({ codePoint: 0x2408, content: Buffer.from([0xff]) }),
      writeObject({ codePoint: 0x241b, content: Buffer.alloc(90) }),
    ]) {
      const sent = segment(OBJECT, payload);
      expect(toClient(sent).equals(sent.raw)).toBe(true);
    }
  });
});
