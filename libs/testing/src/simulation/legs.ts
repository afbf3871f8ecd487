import { fold, type StoredDocument } from '#core/apply';
import { isAdmitted } from '#core/handover';
import { authorityOf } from '#core/phase';
import { judgeForward, judgeReverse } from '#core/reverse';
import { type LegacyTransaction, type LoggedChange, OutcomeUnknown } from './legacy-model.ts';
import type { OplogEntry } from './mongo-model.ts';
import type { Turn } from './scheduler.ts';
import { changeTo, digest, digestOf, nameOf, PARTS, type Place, rowOf, stateOf } from './shape.ts';
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
        forward.send(lane(change.place), change);
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
    const { place, after, lsn, transaction } = change;
    const { term, epochs } = known;
    const epoch = world.is('epoch-in-force') ? epochs.current : epochs.of(partition, offset);
    const marker =
      (legacy.markers.get(nameOf(place)) ?? []).find((one) => one.transaction === transaction) ?? null;
    const { kind } = judgeForward(epochs.authorityOf(epoch), marker, digestOf(after));
    const name = `forward ${partition}/${offset} of ${nameOf(place)} at ${lsn}`;
    await turn.step();
    if (kind === 'rogue' || kind === 'drift') {
      if (!isFresh) return false;
      conflicts.push(`${kind} ${nameOf(place)}`);
    }
    if (kind !== 'apply') {
      world.tell(`${name}: ${kind}`);
      return true;
    }
    if (change.operation !== null && !world.is('answers-stay')) mongo.answers.add(change.operation);
    const log = { incarnation: 1, partition, offset: BigInt(offset) };
    const evidence = { kind: 'streamed', epoch, position: lsn, log } as const;
    for (;;) {
      const before = await mongo.load(turn, place.key);
      if ((stateOf(before, place)?.version?.epoch ?? 0) > epochs.current && !world.is('epochs-of-yesterday'))
        return false;
      const { document, dirty } = fold(before, [changeTo(place, after, evidence)], digest);
      if (!dirty) {
        world.tell(`${name}: stale`);
        return true;
      }
      if (after === null && world.is('delete-removes')) {
        await turn.step();
        if (place.part === 0) mongo.documents.delete(place.key);
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
  const tellRow = async (
    transaction: LegacyTransaction,
    place: Place,
    document: StoredDocument,
  ): Promise<void> => {
    const version = stateOf(document, place)?.version ?? null;
    const found = await transaction.lock(place);
    const verdict = judgeReverse(version, await transaction.lastMarker(place), digestOf(found));
    if (verdict.kind === 'conflict') conflicts.push(`overwritten ${nameOf(place)}`);
    if (verdict.kind !== 'apply' || version === null || version.counter === null) return;
    const row = rowOf(document, place);
    await transaction.write(place, row);
    const { epoch, counter } = version;
    transaction.mark({
      ...{ place, marker: { epoch, counter, digest: digestOf(row) } },
      alone: world.is('marker-overwritten'),
    });
  };
  const tell = async ({ key, document, operation }: OplogEntry): Promise<'done' | 'again'> => {
    // Rows of an epoch of legacy's came from there.
    const own = PARTS.map((part) => ({ key, part })).filter(
      (place) => (stateOf(document, place)?.version?.counter ?? null) !== null,
    );
    const epoch = Math.max(0, ...own.map((place) => stateOf(document, place)?.version?.epoch ?? 0));
    if (epoch < unit.epoch) return 'done';
    if (epoch > unit.epoch || authorityOf(unit.phase) !== 'mongodb') return 'again';
    const transaction = await legacy.begin(turn);
    await transaction.enter();
    if (!isAdmitted(await transaction.fence(), unit.term, 'mongodb')) {
      await transaction.rollback();
      return 'again';
    }
    for (const place of own) await tellRow(transaction, place, document);
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

/** A child's records are in a topic of their own. */
function lane({ key, part }: Place): number {
  return key + part;
}
