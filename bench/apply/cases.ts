import type { Plan } from '#core/plan';
import { asAvro } from '../backlog/avro.ts';
import { orderPlan } from '../backlog/order-plan.ts';
import type { Rig } from '../rig.ts';
import { runCeiling } from './ceiling.ts';
import { dropCollection, expectCount } from './collections.ts';
import { embeddedPlan, prepareEmbedded } from './embedded.ts';
import { runFicus } from './ficus.ts';
import type { ApplyOptions, Case } from './options.ts';
import { type Prepared, prepare } from './prepared.ts';
import { type Run, rateOf } from './run.ts';

/** What the cases are measured by; `fresh` is the mixed backlog, what the others are compared with. */
export type CaseName = Case | 'fresh' | 'insert';

/** Each round of all cases takes as long as one of the contest. */
const MOST_ROUNDS = 3;

/** Measures Ficus on other backlogs, and the mixed one among them, in rounds like those of the contest. */
export class Cases {
  readonly #rig: Rig;
  readonly #options: ApplyOptions;
  readonly #mixed: Prepared;
  readonly #runs = new Map<CaseName, Run[]>();
  #count = 0;

  constructor(rig: Rig, options: ApplyOptions, mixed: Prepared) {
    this.#rig = rig;
    this.#options = options;
    this.#mixed = mixed;
  }

  async measure(): Promise<ReadonlyMap<CaseName, readonly Run[]>> {
    const { cases, rounds } = this.#options;
    const turns = [() => this.#freshAndStale()];
    for (const name of cases) turns.push(...(await this.#turnsOf(name)));
    const count = Math.min(rounds, MOST_ROUNDS);
    for (let round = 0; round < count; round++) {
      this.#rig.log(`cases: round ${round + 1} of ${count}`);
      for (const [at] of turns.entries()) await turns[(at + round) % turns.length]?.();
    }
    return this.#runs;
  }

  async #turnsOf(name: Case): Promise<readonly (() => Promise<void>)[]> {
    const { keys, events } = this.#options;
    switch (name) {
      case 'stale':
        return [];
      case 'repeated':
        return [this.#turn(name, await prepare(this.#rig, name, { kind: 'repeated', keys, events }))];
      case 'avro':
        return [this.#turn(name, await prepare(this.#rig, name, { kind: 'mixed', keys, events }, asAvro))];
      case 'snapshot': {
        const snapshot = await prepare(this.#rig, name, { kind: 'snapshot', keys, events });
        return [this.#turn(name, snapshot), () => this.#insert(snapshot)];
      }
      case 'embedded': {
        const embedded = await prepareEmbedded(this.#rig, { kind: 'updates', keys, events });
        return [() => this.#ficus(name, embedded, embeddedPlan(this.#unit(name)))];
      }
    }
  }

  #turn(name: CaseName, prepared: Prepared): () => Promise<void> {
    return () => this.#ficus(name, prepared, orderPlan(this.#unit(name), prepared.topic));
  }

  async #ficus(
    name: CaseName,
    { from, starts, documents }: Pick<Prepared, 'from' | 'starts' | 'documents'>,
    plan: Plan,
  ): Promise<void> {
    const { events, profile } = this.#options;
    const run = await runFicus(this.#rig, { plan, from, starts, events, profile });
    await this.#keep(name, plan.collection, { run, documents });
    await dropCollection(this.#rig, plan.collection);
  }

  /** The same records once more, by a unit of another name over the same documents. */
  async #freshAndStale(): Promise<void> {
    const { topic, from, starts, documents } = this.#mixed;
    const { events, cases } = this.#options;
    const plan = orderPlan(this.#unit('fresh'), topic);
    const given = { plan, from, starts, events };
    await this.#keep('fresh', plan.collection, { run: await runFicus(this.#rig, given), documents });
    if (cases.includes('stale')) {
      const again = { ...orderPlan(this.#unit('stale'), topic), collection: plan.collection };
      const run = await runFicus(this.#rig, { ...given, plan: again, from: plan.collection });
      const applied = run.notes?.applied ?? 0;
      if (applied > 0) throw new Error(`${applied} changes of a stale replay were applied`);
      await this.#keep('stale', plan.collection, { run, documents });
    }
    await dropCollection(this.#rig, plan.collection);
  }

  async #insert({ backlog, documents }: Prepared): Promise<void> {
    const collection = this.#unit('insert');
    const run = await runCeiling(this.#rig, { form: 'insert', backlog, collection, from: null });
    await this.#keep('insert', collection, { run, documents });
    await dropCollection(this.#rig, collection);
  }

  async #keep(
    name: CaseName,
    collection: string,
    { run, documents }: { run: Run; documents: number },
  ): Promise<void> {
    await expectCount(this.#rig, collection, documents);
    this.#rig.log(`  ${name}: ${Math.round(rateOf(run))} events/s`);
    this.#runs.set(name, [...(this.#runs.get(name) ?? []), run]);
  }

  #unit(name: CaseName): string {
    return `${name}-${this.#count++}`;
  }
}
