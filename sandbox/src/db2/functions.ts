import { type Instruction, type StaticMethod, writeClass } from './class-file.ts';

/**
 * The Java side of the stand-in: what neither Derby's SQL nor its catalogue tells. Each becomes an SQL function.
 *
 * - `unit()`: the number of the running transaction. Derby shows it nowhere in SQL but in the text of a connection,
 *   `... (XID = 713), (SESSIONID = 5), ...`, so it is cut out of there.
 * - `sequence(n)`: n as the 16 bytes that Db2's log sequence numbers have.
 * - `hex(bytes)`, `hexOfText(text)`: what Db2's HEX returns, which Derby lacks. Db2's takes bytes and texts alike, and in a
 *   Unicode database a text's bytes are its UTF-8 ones.
 * - `text(query)`: the one value that a query returns, as text: Derby's catalogue holds Java objects that SQL cannot
 *   cast, among them the columns of an index, `UNIQUE BTREE (2, 1)`.
 * - `ordinal(index, column)`: at which place, from 1, the column's number stands in such a text; 0: not at all.
 */
export const FUNCTIONS_CLASS = 'standin.Functions';

const STRING = 'java/lang/String';
const CONNECTION = 'java/sql/Connection';
const RESULT = 'java/sql/ResultSet';
const STATEMENT = 'java/sql/Statement';

const load = (slot: number): Instruction => ({ do: 'load', kind: 'reference', slot });
const store = (slot: number): Instruction => ({ do: 'store', kind: 'reference', slot });
const onString = (name: string, type: string): Instruction => ({ do: 'virtual', owner: STRING, name, type });
const returned: Instruction = { do: 'return', kind: 'reference' };

/** The connection that the calling statement runs on (SQL standard, part 13). */
const callersConnection: readonly Instruction[] = [
  { do: 'string', value: 'jdbc:default:connection' },
  {
    do: 'static',
    owner: 'java/sql/DriverManager',
    name: 'getConnection',
    type: `(L${STRING};)L${CONNECTION};`,
  },
];

const unit: StaticMethod = {
  name: 'unit',
  type: `()L${STRING};`,
  stack: 4,
  locals: 1,
  code: [
    ...callersConnection,
    { do: 'static', owner: STRING, name: 'valueOf', type: `(Ljava/lang/Object;)L${STRING};` },
    store(0),
    load(0),
    load(0),
    { do: 'string', value: '(XID = ' },
    onString('indexOf', `(L${STRING};)I`),
    { do: 'int', value: '(XID = '.length },
    { do: 'add' },
    load(0),
    { do: 'string', value: '), (SESSIONID' },
    onString('indexOf', `(L${STRING};)I`),
    onString('substring', `(II)L${STRING};`),
    returned,
  ],
};

const BUFFER = 'java/nio/ByteBuffer';

const sequence: StaticMethod = {
  name: 'sequence',
  type: '(J)[B',
  stack: 4,
  locals: 2,
  code: [
    { do: 'int', value: 16 },
    { do: 'static', owner: BUFFER, name: 'allocate', type: `(I)L${BUFFER};` },
    { do: 'int', value: 8 },
    { do: 'load', kind: 'long', slot: 0 },
    { do: 'virtual', owner: BUFFER, name: 'putLong', type: `(IJ)L${BUFFER};` },
    { do: 'virtual', owner: BUFFER, name: 'array', type: '()[B' },
    returned,
  ],
};

const FORMAT = 'java/util/HexFormat';

/** @param bytes leaves a `byte[]` on the stack. */
function hexadecimal(bytes: readonly Instruction[]): readonly Instruction[] {
  return [
    { do: 'static', owner: FORMAT, name: 'of', type: `()L${FORMAT};` },
    { do: 'virtual', owner: FORMAT, name: 'withUpperCase', type: `()L${FORMAT};` },
    ...bytes,
    { do: 'virtual', owner: FORMAT, name: 'formatHex', type: `([B)L${STRING};` },
    returned,
  ];
}

const hex: StaticMethod = {
  name: 'hex',
  type: `([B)L${STRING};`,
  stack: 2,
  locals: 1,
  code: hexadecimal([load(0)]),
};

const hexOfText: StaticMethod = {
  name: 'hexOfText',
  type: `(L${STRING};)L${STRING};`,
  stack: 3,
  locals: 1,
  code: hexadecimal([load(0), { do: 'string', value: 'UTF-8' }, onString('getBytes', `(L${STRING};)[B`)]),
};

const text: StaticMethod = {
  name: 'text',
  type: `(L${STRING};)L${STRING};`,
  stack: 3,
  locals: 3,
  code: [
    ...callersConnection,
    { do: 'interface', owner: CONNECTION, name: 'createStatement', type: `()L${STATEMENT};`, size: 1 },
    load(0),
    { do: 'interface', owner: STATEMENT, name: 'executeQuery', type: `(L${STRING};)L${RESULT};`, size: 2 },
    store(1),
    load(1),
    { do: 'interface', owner: RESULT, name: 'next', type: '()Z', size: 1 },
    { do: 'pop' },
    load(1),
    { do: 'int', value: 1 },
    { do: 'interface', owner: RESULT, name: 'getString', type: `(I)L${STRING};`, size: 2 },
    store(2),
    load(1),
    { do: 'interface', owner: RESULT, name: 'close', type: '()V', size: 1 },
    load(2),
    returned,
  ],
};

const CHARACTERS = 'Ljava/lang/CharSequence;';
const replaced = (from: string, to: string): readonly Instruction[] => [
  { do: 'string', value: from },
  { do: 'string', value: to },
  onString('replace', `(${CHARACTERS}${CHARACTERS})L${STRING};`),
];

/**
 * `UNIQUE BTREE (2, 1)` becomes `UNIQUE BTREE , 2, 1,`, of which the part up to the column's number has as many commas
 * as its place says, and is empty when the column is not there.
 */
const ordinal: StaticMethod = {
  name: 'ordinal',
  type: `(L${STRING};I)I`,
  stack: 5,
  locals: 3,
  code: [
    load(0),
    ...replaced('(', ', '),
    ...replaced(')', ','),
    store(2),
    load(2),
    { do: 'int', value: 0 },
    load(2),
    { do: 'string', value: ', ' },
    { do: 'load', kind: 'int', slot: 1 },
    { do: 'static', owner: STRING, name: 'valueOf', type: `(I)L${STRING};` },
    onString('concat', `(L${STRING};)L${STRING};`),
    { do: 'string', value: ',' },
    onString('concat', `(L${STRING};)L${STRING};`),
    onString('indexOf', `(L${STRING};)I`),
    { do: 'int', value: 1 },
    { do: 'add' },
    onString('substring', `(II)L${STRING};`),
    store(2),
    load(2),
    onString('length', '()I'),
    load(2),
    ...replaced(',', ''),
    onString('length', '()I'),
    { do: 'subtract' },
    { do: 'return', kind: 'int' },
  ],
};

/** The bytes of `standin/Functions.class`. */
export function functionsClass(): Buffer {
  return writeClass(FUNCTIONS_CLASS.replaceAll('.', '/'), [unit, sequence, hex, hexOfText, text, ordinal]);
}
