/**
 * Writes the class file of a Java class whose static methods run straight through: loads, calls, one return.
 *
 * Why this exists: the Db2 stand-in needs a few static Java methods inside Derby (functions.ts), and a Java compiler is
 * no prerequisite of Ficus. Code without branches needs no stack maps, so the format (JVM specification, chapter 4)
 * shrinks to a constant pool and one Code attribute a method.
 */

/** One instruction. Locals are slots: a long takes two. */
export type Instruction =
  | { readonly do: 'string'; readonly value: string }
  | { readonly do: 'int'; readonly value: number }
  | { readonly do: 'load'; readonly kind: 'int' | 'long' | 'reference'; readonly slot: number }
  | { readonly do: 'store'; readonly kind: 'reference'; readonly slot: number }
  | {
      readonly do: 'static' | 'virtual';
      readonly owner: string;
      readonly name: string;
      readonly type: string;
    }
  /** A method of an interface: `size` is the number of slots of its arguments, `this` included. */
  | {
      readonly do: 'interface';
      readonly owner: string;
      readonly name: string;
      readonly type: string;
      readonly size: number;
    }
  | { readonly do: 'add' | 'pop' | 'subtract' }
  | { readonly do: 'return'; readonly kind: 'int' | 'reference' };

export interface StaticMethod {
  readonly name: string;
  /** JVM descriptor, e.g. `(J)[B`. */
  readonly type: string;
  readonly stack: number;
  readonly locals: number;
  readonly code: readonly Instruction[];
}

const JAVA_8 = 52;
const PUBLIC_STATIC = 0x0009;
const PUBLIC_SUPER = 0x0021;
const OPCODE = {
  bipush: 0x10,
  ldc: 0x12,
  iload: 0x15,
  lload: 0x16,
  aload: 0x19,
  astore: 0x3a,
  pop: 0x57,
  add: 0x60,
  subtract: 0x64,
  ireturn: 0xac,
  areturn: 0xb0,
  virtual: 0xb6,
  static: 0xb8,
  interface: 0xb9,
};
const LOAD = { int: OPCODE.iload, long: OPCODE.lload, reference: OPCODE.aload };
const TAG = { utf8: 1, class: 7, string: 8, method: 10, interfaceMethod: 11, nameAndType: 12 };

const u1 = (value: number): Buffer => Buffer.from([value]);
const u2 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const u4 = (value: number): Buffer => Buffer.concat([u2(value >>> 16), u2(value & 0xffff)]);

/** The constants of one class, each kept once, numbered from 1. */
class ConstantPool {
  private readonly entries = new Map<string, number>();
  private readonly parts: Buffer[] = [];

  private add(entry: Buffer): number {
    const identity = entry.toString('latin1');
    const known = this.entries.get(identity);
    if (known !== undefined) return known;
    this.parts.push(entry);
    this.entries.set(identity, this.parts.length);
    return this.parts.length;
  }

  text(value: string): number {
    const bytes = Buffer.from(value, 'utf8');
    return this.add(Buffer.concat([u1(TAG.utf8), u2(bytes.length), bytes]));
  }

  string(value: string): number {
    return this.add(Buffer.concat([u1(TAG.string), u2(this.text(value))]));
  }

  class(name: string): number {
    return this.add(Buffer.concat([u1(TAG.class), u2(this.text(name))]));
  }

  method(called: { owner: string; name: string; type: string }, tag: number = TAG.method): number {
    const nameAndType = this.add(
      Buffer.concat([u1(TAG.nameAndType), u2(this.text(called.name)), u2(this.text(called.type))]),
    );
    return this.add(Buffer.concat([u1(tag), u2(this.class(called.owner)), u2(nameAndType)]));
  }

  write(): Buffer {
    return Buffer.concat([u2(this.parts.length + 1), ...this.parts]);
  }
}

function assemble(instruction: Instruction, pool: ConstantPool): Buffer {
  switch (instruction.do) {
    case 'string':
      return Buffer.concat([u1(OPCODE.ldc), u1(pool.string(instruction.value))]);
    case 'int':
      return Buffer.concat([u1(OPCODE.bipush), u1(instruction.value)]);
    case 'load':
      return Buffer.concat([u1(LOAD[instruction.kind]), u1(instruction.slot)]);
    case 'store':
      return Buffer.concat([u1(OPCODE.astore), u1(instruction.slot)]);
    case 'static':
    case 'virtual':
      return Buffer.concat([u1(OPCODE[instruction.do]), u2(pool.method(instruction))]);
    case 'interface': {
      const method = pool.method(instruction, TAG.interfaceMethod);
      return Buffer.concat([u1(OPCODE.interface), u2(method), u1(instruction.size), u1(0)]);
    }
    case 'add':
    case 'pop':
    case 'subtract':
      return u1(OPCODE[instruction.do]);
    case 'return':
      return u1(instruction.kind === 'int' ? OPCODE.ireturn : OPCODE.areturn);
  }
}

/** The bytes of `<name>.class`; `name` is the internal name, e.g. `standin/Log`. */
export function writeClass(name: string, methods: readonly StaticMethod[]): Buffer {
  const pool = new ConstantPool();
  const self = pool.class(name);
  const parent = pool.class('java/lang/Object');
  const attribute = pool.text('Code');
  const bodies = methods.map((method) => {
    const code = Buffer.concat(method.code.map((instruction) => assemble(instruction, pool)));
    const body = Buffer.concat([u2(method.stack), u2(method.locals), u4(code.length), code, u2(0), u2(0)]);
    const head = [u2(PUBLIC_STATIC), u2(pool.text(method.name)), u2(pool.text(method.type)), u2(1)];
    return Buffer.concat([...head, u2(attribute), u4(body.length), body]);
  });
  return Buffer.concat([
    u4(0xcafebabe),
    u2(0),
    u2(JAVA_8),
    pool.write(),
    u2(PUBLIC_SUPER),
    u2(self),
    u2(parent),
    u2(0),
    u2(0),
    u2(methods.length),
    ...bodies,
    u2(0),
  ]);
}
