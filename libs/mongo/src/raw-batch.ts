import { createRequire } from 'node:module';
import { BsonWriter, nameOf } from './bson-writer.ts';

/** Of the driver 7.9.0, what is needed here of the documents that it sends as they are: the class is not exported. */
interface Sequence {
  toBin(): Uint8Array;
}

const { DocumentSequence } = createRequire(import.meta.url)('mongodb/lib/cmap/commands.js') as {
  readonly DocumentSequence: new (field: string) => Sequence;
};

/** Buffers that are kept for later batches: at most so many, of at most so many bytes. */
const KEPT = 8;
const KEPT_BYTES = 4 * 1024 * 1024;
const free: BsonWriter[] = [];

/**
 * The documents of one command (`documents` of an insert, `updates` of an update) as bytes, which the driver sends beside
 * the command (a section of kind 1 of OP_MSG) and does not look at.
 */
export class RawBatch {
  readonly #out = free.pop() ?? new BsonWriter();
  readonly #field: keyof typeof NAMES;
  readonly #from: number;
  #last: number;

  /** @param field of the command that takes the documents. */
  constructor(field: keyof typeof NAMES) {
    this.#field = field;
    this.#out.clear();
    this.#from = this.#out.openSection(NAMES[field]);
    this.#last = this.#out.length;
  }

  /** Bytes of all documents. */
  get length(): number {
    return this.#out.length;
  }

  /** @returns how many bytes the document has. */
  add(write: (out: BsonWriter) => void): number {
    this.#last = this.#out.length;
    write(this.#out);
    return this.#out.length - this.#last;
  }

  /** Takes back the document that was added last. */
  undo(): void {
    this.#out.clear(this.#last);
  }

  /**
   * Lets the command be sent with the documents, which are gone then.
   * @param send is given what stands for them in the command.
   */
  async use<T>(send: (documents: unknown) => Promise<T>): Promise<T> {
    this.#out.closeSection(this.#from);
    try {
      return await send(new Section(this.#field, this.#out.bytes));
    } finally {
      if (free.length < KEPT && this.#out.capacity <= KEPT_BYTES) free.push(this.#out);
    }
  }
}

const NAMES = { documents: nameOf('documents'), updates: nameOf('updates') };

class Section extends DocumentSequence {
  readonly #bytes: Uint8Array;

  constructor(field: string, bytes: Uint8Array) {
    super(field);
    this.#bytes = bytes;
  }

  override toBin(): Uint8Array {
    return this.#bytes;
  }
}
