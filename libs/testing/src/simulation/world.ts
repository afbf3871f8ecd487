import { epochLookup } from '#core/epoch';
import type { Handover, HandoverUnit } from '#core/handover';
import { type Authority, authorityOf } from '#core/phase';
import type { HandoverControl, Held, LogEnds } from '../../../../apps/admin/src/handover-runner.ts';
import { LegacyModel, type LoggedChange } from './legacy-model.ts';
import { MongoModel, type OplogEntry } from './mongo-model.ts';
import type { Scheduler, Turn } from './scheduler.ts';
import { BY_HAND, type Committed, EDITED, nameOf, type Place, rowOf, stateOf, withRow } from './shape.ts';
import { TopicModel } from './topic-model.ts';

/** Ways in which the protocol can be broken; each must make the simulation fail. */
export const MUTATIONS = {
  'position-before-fence': 'the position that is drained to is taken before the fence',
  'term-read-with-lock': 'lock and term are read in one statement, so that the term is of before the wait',
  'term-unchecked': 'the term is not checked behind the fence',
  'mongodb-first': 'Y-loading writes MongoDB before legacy has committed',
  'read-back-written': 'the direct write carries a row that was read back and not changed',
  'repair-with-position': 'a repair carries the position of its read',
  'epoch-in-force': 'an event is given the epoch in force in place of its offset’s',
  'epochs-of-yesterday':
    'what a newer epoch has written is taken for newer, by who does not know that epoch yet',
  'marker-overwritten': 'a key has one marker, the newest',
  'delete-removes': 'a deletion removes the document',
  'unknown-is-failure': 'a commit whose outcome is unknown counts as failed',
  'answers-stay': 'idempotency records do not travel to the other store',
  'strangers-let-in': 'programs that take no fence are neither waited for nor kept out',
  'echoes-not-drained': 'a flip down does not wait until the echoes have come back',
} as const;
export type Mutation = keyof typeof MUTATIONS;

const TOPIC = 'rows';
const PARTITIONS = 2;

interface Epoch {
  readonly authority: Authority;
  readonly firsts: LogEnds;
}

/** Where units and flips are written down: MongoDB's control database, with compare-and-set. */
export class ControlModel {
  unit: Held<HandoverUnit>;
  readonly flips = new Map<string, Held<Handover>>();
  readonly epochs: Epoch[] = [];

  readonly #tell: (what: string) => void;

  constructor(unit: HandoverUnit, tell: (what: string) => void) {
    this.#tell = tell;
    this.unit = { value: unit, revision: 1 };
  }

  /** As an actor reaches it. */
  of(turn: Turn): HandoverControl {
    return {
      unit: async () => {
        await turn.step();
        return this.unit;
      },
      changeUnit: async (held, next, firsts) => {
        await turn.step();
        if (held.revision !== this.unit.revision) return false;
        if (next.epoch > held.value.epoch)
          this.epochs.push({ authority: authorityOf(next.phase), firsts: firsts ?? [] });
        this.unit = { value: next, revision: held.revision + 1 };
        this.#tell(`unit ${JSON.stringify(next)} firsts ${JSON.stringify(firsts)}`);
        await turn.step();
        return true;
      },
      flip: async (id) => {
        await turn.step();
        const found = this.flips.get(id);
        if (found === undefined) throw new Error(`no flip ${id}`);
        return found;
      },
      changeFlip: async (held, next) => {
        await turn.step();
        if (this.flips.get(next.id)?.revision !== held.revision) return false;
        this.flips.set(next.id, { value: next, revision: held.revision + 1 });
        this.#tell(`flip ${JSON.stringify(next)}`);
        await turn.step();
        return true;
      },
    };
  }

  async epochsOf(turn: Turn): Promise<Epochs> {
    await turn.step();
    return new Epochs(this.unit.value.epoch, [...this.epochs]);
  }
}

/** The epochs as somebody has last read them. */
export class Epochs {
  readonly current: number;
  readonly #list: readonly Epoch[];

  constructor(current: number, list: readonly Epoch[]) {
    this.current = current;
    this.#list = list;
  }

  /** The epoch that a record of the forward leg belongs to, by its offset. */
  of(partition: number, offset: number): number {
    const beginnings = this.#list.map(({ firsts }) =>
      firsts.map((first, at) => ({ topic: TOPIC, partition: at, offset: String(first) })),
    );
    return epochLookup(this.current, beginnings)({ topic: TOPIC, partition, offset: BigInt(offset) });
  }

  /** Legacy is the first epoch's authority. */
  authorityOf(epoch: number): Authority {
    const age = this.current - epoch;
    return this.#list[this.#list.length - 1 - age]?.authority ?? 'legacy';
  }
}

/** How far a connector is in the log of its source. */
export class SourceProgress {
  /** Entries of the log that are behind it, as it has committed. */
  committed = 0;
  /** Its position, as it has committed. */
  position = 0n;
}

/** What a request came to. */
export type Answer = 'done' | 'refused' | 'try-again';

/** All that there is. */
export class World {
  readonly scheduler: Scheduler;
  readonly committed: Committed[] = [];
  readonly legacy: LegacyModel;
  readonly mongo: MongoModel;
  readonly control: ControlModel;
  readonly forward = new TopicModel<LoggedChange>(PARTITIONS);
  readonly reverse = new TopicModel<OplogEntry>(PARTITIONS);
  readonly forwardSource = new SourceProgress();
  readonly reverseSource = new SourceProgress();
  /** What happened, one line each, to read when a seed fails. */
  readonly trace: string[] = [];
  /** Rows that somebody has edited in MongoDB, behind everybody's back, and that nobody has repaired yet, by name. */
  readonly edited = new Map<string, Place>();
  /** Changes in the legacy database that nobody can account for. */
  readonly conflicts: string[] = [];
  readonly mutation: Mutation | null;

  constructor(scheduler: Scheduler, mutation: Mutation | null) {
    this.scheduler = scheduler;
    this.mutation = mutation;
    const parts = {
      ...{ dice: scheduler.dice, committed: this.committed },
      tell: (what: string) => this.tell(what),
    };
    this.legacy = new LegacyModel(parts);
    this.mongo = new MongoModel(parts);
    this.mongo.written = (document) => {
      for (const [name, place] of this.edited)
        if (place.key === document.key[0] && rowOf(document, place)?.made !== BY_HAND)
          this.edited.delete(name);
    };
    this.control = new ControlModel(
      { phase: 'y-loading', epoch: 1, term: 1, draining: null, transition: null },
      (what) => this.tell(what),
    );
  }

  /** Somebody edits a document by hand, while legacy is the authority and no flip is on its way. */
  edit(place: Place): void {
    const { phase, draining } = this.control.unit.value;
    const document = this.mongo.document(place.key);
    const row = stateOf(document, place);
    if (authorityOf(phase) !== 'legacy' || draining !== null || row?.live !== true) return;
    this.mongo.documents.set(place.key, withRow(document, place, { ...row, ...EDITED }));
    this.edited.set(nameOf(place), place);
    this.tell(`somebody edits ${nameOf(place)}`);
  }

  tell(what: string): void {
    this.trace.push(`${this.scheduler.now} ${what}`);
  }

  is(mutation: Mutation): boolean {
    return this.mutation === mutation;
  }
}
