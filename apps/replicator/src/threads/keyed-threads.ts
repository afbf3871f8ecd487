import { Worker } from 'node:worker_threads';
import { FicusError } from '#core/errors';
import type { Plan } from '#core/plan';
import { headersRead, isAvro, type RecordForm } from '#debezium/decoder';
import type { LogRecord } from '#debezium/log-record';
import type { Logger } from '#observability/log';
import type { KeyedContext, KeyedPath, KeyedResult } from '../keyed-applier.ts';
import type { Done, Failed, FromThread, Setting, Task, ThreadGiven, ToThread } from './messages.ts';
import { pack } from './parcel.ts';

/** Records from which on the way to another thread is worth it, unless told otherwise. */
const WORTH = 250;
/** Beside this file, whatever it is compiled to. */
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url);

export interface KeyedThreadsGiven extends ThreadGiven {
  /** How many threads. */
  readonly count: number;
  /** Records of a batch that is given to a thread, at least. */
  readonly worth?: number;
  /** Takes what is small, what no thread is ready for, and what threads cannot read. */
  readonly own: KeyedPath;
  readonly log: Logger;
}

/**
 * Applies large batches in threads, so that a replicator is not bound to one core. The first large batch starts them.
 * Whatever has state that must be in one place stays here: the log, dead letters, counts.
 */
export class KeyedThreads implements KeyedPath {
  readonly #given: KeyedThreadsGiven;
  readonly #settings = new Map<string, Known>();
  #threads: Thread[] = [];
  #isClosed = false;

  constructor(given: KeyedThreadsGiven) {
    this.#given = given;
  }

  async apply(context: KeyedContext, records: readonly LogRecord[], together: number): Promise<KeyedResult> {
    const { own, worth = WORTH } = this.#given;
    if (records.length < worth || !isPlain(context, records))
      return await own.apply(context, records, together);
    const thread = this.#free();
    if (thread === null) return await own.apply(context, records, together);
    const { plan, term, epochOf } = context;
    const { setting, read } = this.#settingOf(context);
    const incarnations = new Map([[plan.topic, context.incarnations.get(plan.topic) ?? 1]]);
    const parcel = pack(plan.topic, records, { epochOf, read });
    const task = { kind: 'task', unit: plan.unit, parcel, incarnations, term, together } as const;
    return resultOf(await thread.apply(setting, task, records.length), records);
  }

  /** Resolves once all threads are there; they start by themselves with the first large batch. */
  async start(): Promise<void> {
    this.#fill();
    await Promise.all(this.#threads.map((thread) => thread.ready));
  }

  /** Ends the threads; what they have in hand is given back. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  /** One that has ended is replaced, unless it could not even start: then the next could not, either. */
  #fill(): void {
    this.#isClosed ||= this.#threads.some(({ isAlive, wasReady }) => !isAlive && !wasReady);
    this.#threads = this.#threads.filter((thread) => thread.isAlive);
    while (!this.#isClosed && this.#threads.length < this.#given.count)
      this.#threads.push(new Thread(this.#given));
  }

  /** The ready one with the least in hand; null: none is ready. */
  #free(): Thread | null {
    this.#fill();
    return this.#threads
      .filter((thread) => thread.isReady)
      .reduce<Thread | null>((least, one) => (least === null || one.load < least.load ? one : least), null);
  }

  /** The same object as long as it says the same. */
  #settingOf({ plan, decoder }: KeyedContext): Known {
    const form = decoder.form(plan);
    const known = this.#settings.get(plan.unit);
    if (known?.plan === plan && known.form === form) return known;
    const text = JSON.stringify(plan);
    const isSame = known?.form === form && known.text === text;
    const setting: Setting = isSame ? known.setting : { kind: 'setting', plan, form };
    const found = { plan, form, text, setting, read: headersRead(form) };
    this.#settings.set(plan.unit, found);
    return found;
  }
}

interface Known {
  readonly plan: Plan;
  readonly form: RecordForm;
  readonly text: string;
  readonly setting: Setting;
  readonly read: readonly string[];
}

interface Waiting {
  readonly records: number;
  readonly resolve: (done: Done) => void;
  readonly reject: (error: unknown) => void;
}

/** One thread, from its start to its end, which fails what it has in hand. */
class Thread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #told = new Map<string, Setting>();
  readonly #ended: Promise<void>;
  #next = 1;
  readonly #begun = Promise.withResolvers<void>();
  isAlive = true;
  wasReady = false;

  constructor({ mongoUrl, database, digestKey, log }: KeyedThreadsGiven) {
    const workerData: ThreadGiven = { mongoUrl, database, digestKey };
    this.#worker = new Worker(THREAD, { workerData });
    // Who closes the replicator waits for it by itself; nothing else need.
    this.#worker.unref();
    this.#worker.on('message', (message: FromThread) => this.#take(message));
    this.#worker.on('error', (error) => log.error({ err: error }, 'a thread of the applier has failed'));
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#end();
        resolve();
      });
    });
  }

  /** Resolves when it is ready, or has ended. */
  get ready(): Promise<void> {
    return this.#begun.promise;
  }

  get isReady(): boolean {
    return this.isAlive && this.wasReady;
  }

  /** Records in hand. */
  get load(): number {
    return this.#waiting.values().reduce((sum, { records }) => sum + records, 0);
  }

  /** @throws FicusError what the thread threw; retryable when it has ended. */
  async apply(setting: Setting, task: Omit<Task, 'id'>, records: number): Promise<Done> {
    if (this.#told.get(task.unit) !== setting) this.#say(setting);
    this.#told.set(task.unit, setting);
    const id = this.#next++;
    return await new Promise((resolve, reject) => {
      this.#waiting.set(id, { records, resolve, reject });
      this.#say({ ...task, id }, [task.parcel.bytes]);
    });
  }

  async close(): Promise<void> {
    this.#say({ kind: 'close' });
    await this.#ended;
  }

  #say(message: ToThread, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #take(message: FromThread): void {
    if (message.kind === 'ready') {
      this.wasReady = true;
      this.#begun.resolve();
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'done') waiting?.resolve(message);
    else waiting?.reject(errorOf(message));
  }

  #end(): void {
    this.isAlive = false;
    this.#begun.resolve();
    for (const { reject } of this.#waiting.values())
      reject(
        new FicusError('internal_error', 'the thread that applied the batch has ended', { retryable: true }),
      );
    this.#waiting.clear();
  }
}

/** Can a thread read them? It knows no registry, and one topic. */
function isPlain({ plan }: KeyedContext, records: readonly LogRecord[]): boolean {
  return records.every((record) => record.topic === plan.topic && !isAvro(record));
}

function resultOf(done: Done, records: readonly LogRecord[]): KeyedResult {
  const recordAt = (at: number): LogRecord => {
    const found = records[at];
    if (found === undefined)
      throw new Error(`broken assumption: a thread names record ${at} of ${records.length}`);
    return found;
  };
  const { outcomes, snapshotRows, committedAt, left } = done;
  const unknown = new Map(
    done.unknown.map(({ at, ...rest }) => [
      `${rest.table}.${rest.column}`,
      { ...rest, record: recordAt(at) },
    ]),
  );
  const counted = { outcomes, unknown, snapshotRows, committedAt: Array.from(committedAt) };
  return { counted, left: Array.from(left, recordAt) };
}

function errorOf({ code, message, retryable }: Failed): Error {
  return code === null ? new Error(message) : new FicusError(code, message, { retryable });
}
