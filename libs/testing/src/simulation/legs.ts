import { fold } from '#core/apply';
import { isAdmitted } from '#core/handover';
import { authorityOf } from '#core/phase';
import { judgeForward, judgeReverse } from '#core/reverse';
import { type LoggedChange, OutcomeUnknown } from './legacy-model.ts';
import type { OplogEntry } from './mongo-model.ts';
import type { Turn } from './scheduler.ts';
import { changeTo, digest, digestOf, rowOf } from './shape.ts';
import type { TopicModel } from './topic-model.ts';
import type { Epochs, World } from './world.ts';

/** Records that are handled before their offset is committed, at most. */
const BATCH = 3;
const RETRY_MS = 20;

/** Debezium's connector for the legacy database: after a crash it sends again what it had not committed. */
export async function forwardConnector(world: World, turn: Turn): Promise<void> {
  const { legacy, forward, forwardSource: progress } = world;
  for (let next = progress.committed; ; ) {
    await turn.until(() => legacy.log.length > next || progress.committed < next);
    const entry = legacy.log[next];
    if (entry !== undefined) {
      for (const change of entry.changes) {
        await turn.step();
        forward.send(change.key, change);
      }
      next += 1;
    }
    if (entry !== undefined && !world.scheduler.dice.chance(0.3)) continue;
    await turn.step();
    progress.committed = next;
    progress.position = legacy.log[next - 1]?.end ?? 0n;
  }
}

/** Debezium's connector for MongoDB, likewise. */
export async function reverseConnector(world: World, turn: Turn): Promise<void> {
  const { mongo, reverse, reverseSource: progress } = world;
  for (let next = progress.committed; ; ) {
    await turn.until(() => mongo.oplog.length > next || progress.committed < next);
    const entry = mongo.oplog[next];
    if (entry !== undefined) {
      await turn.step();
      reverse.send(entry.key, entry);
      next += 1;
    }
    if (entry !== undefined && !world.scheduler.dice.chance(0.3)) continue;
    await turn.step();
    progress.committed = next;
    progress.position = BigInt(next);
  }
}

/** A member of a consuming group: takes records in order, and commits how far it is after it has handled them. */
async function consume<T>(
  world: World,
  turn: Turn,
  topic: TopicModel<T>,
  handle: (record: T, partition: number, offset: number) => Promise<void>,
): Promise<void> {
  const { dice } = world.scheduler;
  const has = (partition: number): boolean =>
    (topic.partitions[partition]?.length ?? 0) > (topic.committed[partition] ?? 0);
  const all = topic.partitions.map((_, partition) => partition);
  for (;;) {
    await turn.until(() => all.some(has));
    const partition = dice.pick(all.filter(has));
    const from = topic.committed[partition] ?? 0;
    const batch = topic.partitions[partition]?.slice(from, from + 1 + dice.below(BATCH)) ?? [];
    for (const [at, record] of batch.entries()) await handle(record, partition, from + at);
    await turn.step();
    topic.committed[partition] = from + batch.length;
  }
}

/**
 * The replicator's forward leg. What it knows of the unit may be of before any number of flips, and nothing that it finds
 * may be dropped by that: what it cannot account for, what a newer epoch has written, and what the fence refuses, has it
 * ask again.
 */
export async function forwardApplier(world: World, turn: Turn): Promise<void> {
  const { control, mongo, legacy, conflicts } = world;
  const ask = async (): Promise<{ readonly term: number; readonly epochs: Epochs }> => {
    const { term } = (await control.of(turn).unit()).value;
    return { term, epochs: await control.epochsOf(turn) };
  };
  let known = await ask();
  /** @returns false: it must be judged by what is known now. */
  const apply = async (
    change: LoggedChange,
    [partition, offset]: readonly [number, number],
    isFresh: boolean,
  ): Promise<boolean> => {
    const { key, after, lsn, transaction } = change;
    const { term, epochs } = known;
    const epoch = world.is('epoch-in-force') ? epochs.current : epochs.of(partition, offset);
    const marker = (legacy.markers.get(key) ?? []).find((one) => one.transaction === transaction) ?? null;
    const { kind } = judgeForward(epochs.authorityOf(epoch), marker, digestOf(after));
    const name = `forward ${partition}/${offset} of ${key} at ${lsn}`;
    await turn.step();
    if (kind === 'rogue' || kind === 'drift') {
      if (!isFresh) return false;
      conflicts.push(`${kind} ${key}`);
    }
    if (kind !== 'apply') {
      world.tell(`${name}: ${kind}`);
      return true;
    }
    if (change.operation !== null && !world.is('answers-stay')) mongo.answers.add(change.operation);
    const log = { incarnation: 1, partition, offset: BigInt(offset) };
    const evidence = { kind: 'streamed', epoch, position: lsn, log } as const;
    for (;;) {
      const before = await mongo.load(turn, key);
      if ((before.root?.version?.epoch ?? 0) > epochs.current && !world.is('epochs-of-yesterday'))
        return false;
      const { document, dirty } = fold(before, [changeTo(key, after, evidence)], digest);
      if (!dirty) {
        world.tell(`${name}: stale`);
        return true;
      }
      if (after === null && world.is('delete-removes')) {
        await turn.step();
        mongo.documents.delete(key);
        return true;
      }
      const saved = await mongo.save(turn, term, before, document);
      world.tell(`${name}: ${saved} ${digestOf(after)}`);
      if (saved === 'saved') return true;
      if (saved === 'fenced') return false;
    }
  };
  await consume(world, turn, world.forward, async (change, partition, offset) => {
    for (let isFresh = false; !(await apply(change, [partition, offset], isFresh)); isFresh = true) {
      if (isFresh) await turn.sleep(RETRY_MS);
      known = await ask();
    }
  });
}

/** The replicator's reverse leg. */
export async function reverseApplier(world: World, turn: Turn): Promise<void> {
  const { control, legacy, conflicts } = world;
  let unit = (await control.of(turn).unit()).value;
  const tell = async ({ key, document, operation }: OplogEntry): Promise<'done' | 'again'> => {
    const version = document.root?.version ?? null;
    // Of an epoch of legacy's: it came from there.
    if (document.root === null || version === null || version.counter === null) return 'done';
    if (version.epoch < unit.epoch) return 'done';
    if (version.epoch > unit.epoch || authorityOf(unit.phase) !== 'mongodb') return 'again';
    const transaction = await legacy.begin(turn);
    await transaction.enter();
    if (!isAdmitted(await transaction.fence(), unit.term, 'mongodb')) {
      await transaction.rollback();
      return 'again';
    }
    const found = await transaction.lock(key);
    const last = await transaction.lastMarker(key);
    const verdict = judgeReverse(version, last, digestOf(found));
    if (verdict.kind !== 'apply') {
      if (verdict.kind === 'conflict') conflicts.push(`overwritten ${key}`);
      await transaction.rollback();
      return 'done';
    }
    const row = document.root.live ? rowOf(document.root.content) : null;
    await transaction.write(key, row);
    const { epoch, counter } = version;
    transaction.mark(key, { epoch, counter, digest: digestOf(row) }, world.is('marker-overwritten'));
    if (operation !== null && !world.is('answers-stay')) transaction.answer(operation);
    try {
      await transaction.commit();
      return 'done';
    } catch (error) {
      if (error instanceof OutcomeUnknown) return 'again';
      throw error;
    }
  };
  await consume(world, turn, world.reverse, async (record) => {
    while ((await tell(record)) === 'again') {
      unit = (await control.of(turn).unit()).value;
      await turn.sleep(RETRY_MS);
    }
  });
}
