import { HANDOVER_TIMEOUT_MS, type Handover, type HandoverStage } from '#core/handover';
import { authorityOf, type Phase } from '#core/phase';
import { HandoverRunner } from '../../../../apps/admin/src/handover-runner.ts';
import { FacadeModel } from './facade.ts';
import { handoverParts } from './handover-ports.ts';
import { OutcomeUnknown } from './legacy-model.ts';
import { forwardApplier, forwardConnector, reverseApplier, reverseConnector } from './legs.ts';
import { repair } from './repair.ts';
import { type Actor, Scheduler, type Turn } from './scheduler.ts';
import { after, nameOf, type Operation, PARTS, type Place, rowOf } from './shape.ts';
import { type Mutation, World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly mutation?: Mutation;
  readonly flips?: number;
  readonly operations?: number;
}

export interface Outcome {
  /** What is wrong, one sentence each; none: all is well. */
  readonly faults: readonly string[];
  readonly steps: number;
  readonly flips: { readonly done: number; readonly cancelled: number };
  readonly kills: number;
  /** At which stages of a flip the instance that carried it out was killed. */
  readonly killedAt: readonly HandoverStage[];
  readonly acknowledged: number;
  readonly trace: readonly string[];
}

const PLACES: readonly Place[] = [0, 1].flatMap((key) => PARTS.map((part) => ({ key, part })));
const CLIENTS = 3;
const MOST_STEPS = 400_000;
/** How long a client waits for an answer, ms. */
const PATIENCE_MS = 400;
const LEGS = { forwardConnector, reverseConnector, forwardApplier, reverseApplier } as const;
type Service = keyof typeof LEGS;
const SERVICES = Object.keys(LEGS) as Service[];

/**
 * Lets a world happen: clients write while the authority is moved to and fro, and everything may die or stand still.
 * @throws Error when it does not come to an end.
 */
export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const run = new Run(options);
  await run.play();
  return run.outcome();
}

class Run {
  readonly #scheduler: Scheduler;
  readonly #world: World;
  readonly #flips: number;
  readonly #operations: number;
  readonly #facades: readonly FacadeModel[];
  readonly #services = new Map<Service, Actor>();
  readonly #acknowledged = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #killedAt: HandoverStage[] = [];
  #done = 0;
  #cancelled = 0;
  #kills = 0;
  #clientsLeft = CLIENTS + 1;
  #flipsLeft: number;
  #isCalm = false;
  #runner: { readonly actor: Actor; readonly id: string } | null = null;

  constructor({ seed, mutation, flips = 4, operations = 12 }: SimulationOptions) {
    this.#scheduler = new Scheduler(seed);
    this.#world = new World(this.#scheduler, mutation ?? null);
    this.#flips = flips;
    this.#flipsLeft = flips;
    this.#operations = operations;
    this.#world.legacy.losses = 0.05;
    this.#world.mongo.losses = 0.05;
    this.#facades = [new FacadeModel('facade-1', this.#world), new FacadeModel('facade-2', this.#world)];
  }

  async play(): Promise<void> {
    const { scheduler } = this.#world;
    for (const service of SERVICES) this.#start(service);
    for (let at = 1; at <= CLIENTS; at += 1)
      scheduler.spawn(`client-${at}`, (turn) => this.#client(at, turn));
    scheduler.spawn('batch', (turn) => this.#batch(turn));
    scheduler.spawn('operator', (turn) => this.#operate(turn));
    scheduler.spawn('reconciler', (turn) => this.#reconcile(turn));
    scheduler.spawn('chaos', (turn) => this.#trouble(turn));
    await scheduler.run(() => this.#clientsLeft === 0 && this.#flipsLeft === 0, MOST_STEPS);
    this.#isCalm = true;
    this.#world.legacy.losses = 0;
    this.#world.mongo.losses = 0;
    await scheduler.run(() => this.#isAtRest(), MOST_STEPS);
  }

  outcome(): Outcome {
    return {
      faults: this.#faults(),
      steps: this.#scheduler.steps,
      flips: { done: this.#done, cancelled: this.#cancelled },
      kills: this.#kills,
      killedAt: this.#killedAt,
      acknowledged: this.#acknowledged.size,
      trace: this.#world.trace,
    };
  }

  #start(service: Service): void {
    const run = LEGS[service];
    this.#services.set(
      service,
      this.#scheduler.spawn(service, (turn) => run(this.#world, turn)),
    );
  }

  #place(): Place {
    const { key, part } = this.#scheduler.dice.pick(PLACES);
    return { key, part };
  }

  /** Asks for one operation after the other, and again for one that got no answer. */
  async #client(no: number, turn: Turn): Promise<void> {
    const { dice } = this.#scheduler;
    for (let at = 1; at <= this.#operations; at += 1) {
      const operation: Operation = {
        id: `${no}.${at}`,
        ...this.#place(),
        kind: dice.chance(0.2) ? 'delete' : 'put',
      };
      for (let isFirst = true; ; isFirst = false) {
        const { actor, answer } = dice.pick(this.#facades).ask(operation);
        const until = this.#scheduler.now + PATIENCE_MS;
        while (!actor.isDone && this.#scheduler.now < until) await turn.sleep(10);
        const found = answer();
        if (found === 'done') this.#acknowledged.add(operation.id);
        // Of one that was asked for before, an earlier request may still be on its way.
        if (found === 'refused' && isFirst) this.#refused.add(operation.id);
        if (found === 'done' || found === 'refused') break;
        await turn.sleep(20 + dice.below(100));
      }
      await turn.sleep(dice.below(200));
    }
    this.#clientsLeft -= 1;
  }

  /** A batch program, which knows nothing of fences and writes while it may. */
  async #batch(turn: Turn): Promise<void> {
    const { dice } = this.#scheduler;
    const { legacy } = this.#world;
    for (let at = 1; at <= this.#operations; at += 1) {
      const operation: Operation = { id: `b.${at}`, ...this.#place(), kind: 'put' };
      const transaction = await legacy.begin(turn);
      if (await transaction.enterAsStranger()) {
        const before = await transaction.lock(operation);
        const made = after(before, operation);
        await transaction.write(operation, made);
        transaction.note(operation, before, made);
        await turn.sleep(dice.below(dice.chance(0.4) ? 600 : 40));
        await transaction.commit().catch((error: unknown) => {
          if (!(error instanceof OutcomeUnknown)) throw error;
        });
      } else await transaction.rollback();
      await turn.sleep(dice.below(300));
    }
    this.#clientsLeft -= 1;
  }

  /** Goes on to the end: what somebody has edited in MongoDB must be repaired by then. */
  async #reconcile(turn: Turn): Promise<void> {
    for (;;) {
      const place = this.#scheduler.dice.pick([...this.#world.edited.values(), this.#place()]);
      await repair(this.#world, place, turn);
      await turn.sleep(this.#scheduler.dice.below(100));
    }
  }

  async #operate(turn: Turn): Promise<void> {
    const { control } = this.#world;
    for (let no = 1; no <= this.#flips; no += 1) {
      await turn.sleep(this.#scheduler.dice.below(600));
      const from = control.unit.value.phase;
      const to: Phase = from === 'primary' ? 'y-loading' : 'primary';
      // Some are given up in the middle.
      const patience = this.#scheduler.dice.chance(0.3)
        ? this.#scheduler.dice.below(200)
        : HANDOVER_TIMEOUT_MS;
      const until = this.#scheduler.now + patience;
      const flip: Handover = {
        ...{ id: `flip-${no}`, from, to, stage: 'drain', term: null, position: null, firsts: null, until },
        state: 'running',
      };
      control.flips.set(flip.id, { value: flip, revision: 1 });
      await this.#carry(flip.id, turn);
      if (control.flips.get(flip.id)?.value.state === 'done') this.#done += 1;
      else this.#cancelled += 1;
      this.#flipsLeft -= 1;
    }
  }

  /** An instance after the other, when the one before has died, or seems to have. */
  async #carry(id: string, turn: Turn): Promise<void> {
    const { control } = this.#world;
    const isOver = (): boolean => ['done', 'cancelled'].includes(control.flips.get(id)?.value.state ?? '');
    while (!isOver()) {
      const actor = this.#scheduler.spawn(`runner/${id}`, async (own) => {
        await new HandoverRunner(handoverParts(this.#world, own)).run(id);
      });
      this.#runner = { actor, id };
      const patience = this.#scheduler.now + 2_000;
      while (!actor.isDone && this.#scheduler.now < patience && !isOver()) await turn.sleep(20);
    }
  }

  async #trouble(turn: Turn): Promise<void> {
    const { dice } = this.#scheduler;
    while (!this.#isCalm) {
      await turn.sleep(dice.below(150));
      if (this.#isCalm) return;
      const facade = dice.pick(this.#facades);
      const what = dice.below(11);
      if (what === 0) {
        facade.restart();
        this.#kills += 1;
      } else if (what <= 3) facade.freeze(this.#scheduler.now + dice.below(1_500));
      else if (what === 4) this.#killService(dice.pick(SERVICES));
      else if (what === 5)
        this.#services.get(dice.pick(SERVICES))?.freeze(this.#scheduler.now + dice.below(1_500));
      else if (what <= 7) this.#killRunner();
      else if (what === 8) this.#runner?.actor.freeze(this.#scheduler.now + dice.below(5_000));
      else if (what === 9) this.#world.edit(this.#place());
      else this.#rewind(dice.pick([this.#world.forward, this.#world.reverse]));
    }
  }

  #killService(service: Service): void {
    this.#services.get(service)?.kill();
    this.#start(service);
    this.#kills += 1;
  }

  /** The group reads again what it has read, as after a rebalance before the last commit, or by an operator's order. */
  #rewind({ committed }: { readonly committed: number[] }): void {
    const partition = this.#scheduler.dice.below(committed.length);
    committed[partition] = Math.max(0, (committed[partition] ?? 0) - this.#scheduler.dice.below(8));
  }

  #killRunner(): void {
    if (this.#runner === null || this.#runner.actor.isDone) return;
    this.#runner.actor.kill();
    this.#kills += 1;
    const stage = this.#world.control.flips.get(this.#runner.id)?.value.stage;
    if (stage !== undefined) this.#killedAt.push(stage);
  }

  /** Has all that was written been carried where it belongs? */
  #isAtRest(): boolean {
    const { legacy, mongo, forward, reverse, forwardSource, reverseSource, edited } = this.#world;
    return (
      forwardSource.committed === legacy.log.length &&
      reverseSource.committed === mongo.oplog.length &&
      forward.isPast(forward.ends()) &&
      reverse.isPast(reverse.ends()) &&
      edited.size === 0
    );
  }

  #faults(): readonly string[] {
    const { committed, conflicts, legacy, mongo, control } = this.#world;
    const faults = conflicts.map((conflict) => `a conflict that nobody has made: ${conflict}`);
    faults.push(...mongo.steppedBack);
    const times = new Map<string, number>();
    const last = new Map<string, string>();
    for (const { operation, store, before, after: made } of committed) {
      times.set(operation.id, (times.get(operation.id) ?? 0) + 1);
      const known = last.get(nameOf(operation)) ?? 'null';
      if (JSON.stringify(before) !== known)
        faults.push(`${operation.id} in ${store} was made of ${JSON.stringify(before)}, not of ${known}`);
      last.set(nameOf(operation), JSON.stringify(made));
    }
    for (const [id, count] of times) if (count > 1) faults.push(`${id} was committed ${count} times`);
    for (const id of this.#acknowledged)
      if (!times.has(id)) faults.push(`${id} was acknowledged and is lost`);
    for (const id of this.#refused) if (times.has(id)) faults.push(`${id} was refused and is there`);
    for (const place of PLACES) {
      const name = nameOf(place);
      const truth = last.get(name) ?? 'null';
      const stored = {
        legacy: JSON.stringify(legacy.rows.get(name) ?? null),
        mongodb: JSON.stringify(rowOf(mongo.document(place.key), place)),
      };
      for (const [store, found] of Object.entries(stored))
        if (found !== truth) faults.push(`${store} has ${found} of ${name}, and ${truth} was committed`);
    }
    const { phase, draining } = control.unit.value;
    if (draining !== null) faults.push('the unit is left drained');
    if (legacy.fence.authority !== authorityOf(phase))
      faults.push('legacy has another authority than the unit');
    return faults;
  }
}
