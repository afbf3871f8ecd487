import { orderPlan } from '../backlog/order-plan.ts';
import type { Rig } from '../rig.ts';
import { prepareSink, runSink } from '../sink/run-sink.ts';
import { type SinkWorker, startSinkWorker } from '../sink/worker.ts';
import { runCeiling } from './ceiling.ts';
import type { CeilingForm } from './ceiling-process.ts';
import { averageBytes, dropCollection, expectCount } from './collections.ts';
import { runFicus } from './ficus.ts';
import type { ApplyOptions, Contestant } from './options.ts';
import type { Prepared } from './prepared.ts';
import { type Run, rateOf } from './run.ts';

/** Runs of each contestant, in the order of the rounds. */
export interface Contest {
  readonly runs: ReadonlyMap<Contestant, readonly Run[]>;
  /** How the guarded ceiling writes: the faster of both ways in the warm-up; null: it did not run. */
  readonly guard: CeilingForm | null;
  /** Average bytes of a document that each has written; the sink connector keeps no version. */
  readonly documentBytes: ReadonlyMap<string, number>;
  /** Of the worker that the sink connector ran in; null: it did not run. */
  readonly sinkSettings: Readonly<Record<string, string>> | null;
}

const WHAT: Readonly<Record<CeilingForm, string>> = {
  filter: 'guard in the filter',
  pipeline: 'guard in a pipeline',
  replace: 'unguarded',
  insert: 'insertMany',
};

/** Lets all contestants apply the same backlog, in rounds that begin with another one each time. */
export class Contests {
  readonly #rig: Rig;
  readonly #options: ApplyOptions;
  readonly #prepared: Prepared;
  readonly #bytes = new Map<string, number>();
  #worker: SinkWorker | null = null;
  #count = 0;

  constructor(rig: Rig, options: ApplyOptions, prepared: Prepared) {
    this.#rig = rig;
    this.#options = options;
    this.#prepared = prepared;
  }

  async hold(): Promise<Contest> {
    const { contestants, rounds } = this.#options;
    const { log } = this.#rig;
    if (contestants.length > 0) log('warm-up');
    const guard = contestants.includes('g') ? await this.#fasterGuard() : null;
    for (const name of contestants) if (name !== 'g') await this.#one(name, guard);
    const runs = new Map<Contestant, Run[]>(contestants.map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      if (contestants.length > 0) log(`round ${round + 1} of ${rounds}`);
      for (const [at] of contestants.entries()) {
        const name = contestants[(at + round) % contestants.length];
        if (name !== undefined) runs.get(name)?.push(await this.#one(name, guard));
      }
    }
    return { runs, guard, documentBytes: this.#bytes, sinkSettings: this.#worker?.settings ?? null };
  }

  async #fasterGuard(): Promise<CeilingForm> {
    const filter = rateOf(await this.#ceiling('filter'));
    const pipeline = rateOf(await this.#ceiling('pipeline'));
    return filter >= pipeline ? 'filter' : 'pipeline';
  }

  async #one(name: Contestant, guard: CeilingForm | null): Promise<Run> {
    switch (name) {
      case 'ficus':
        return await this.#ficus();
      case 'g':
        return await this.#ceiling(guard ?? 'filter');
      case 'u':
        return await this.#ceiling('replace');
      case 'sink':
        return await this.#sink();
    }
  }

  async #ficus(): Promise<Run> {
    const { topic, backlog, from, starts } = this.#prepared;
    const plan = orderPlan(`ficus-${this.#count++}`, topic);
    const { profile } = this.#options;
    const run = await runFicus(this.#rig, { plan, from, starts, events: backlog.events, profile });
    return await this.#finish('ficus', plan.collection, run);
  }

  async #ceiling(form: CeilingForm): Promise<Run> {
    const { backlog, from } = this.#prepared;
    const collection = `${form}-${this.#count++}`;
    const run = await runCeiling(this.#rig, { form, backlog, collection, from });
    return await this.#finish(WHAT[form], collection, run);
  }

  async #sink(): Promise<Run> {
    if (this.#worker === null) {
      await prepareSink(this.#rig, this.#prepared);
      this.#worker = await startSinkWorker(this.#rig);
    }
    const name = `sink-${this.#count++}`;
    const run = await runSink(this.#rig, this.#worker, this.#prepared, name);
    return await this.#finish('sink', name, run);
  }

  async #finish(what: string, collection: string, run: Run): Promise<Run> {
    await expectCount(this.#rig, collection, this.#prepared.documents);
    if (!this.#bytes.has(what)) this.#bytes.set(what, await averageBytes(this.#rig, collection));
    await dropCollection(this.#rig, collection);
    this.#rig.log(`  ${what}: ${Math.round(rateOf(run))} events/s`);
    return run;
  }
}
