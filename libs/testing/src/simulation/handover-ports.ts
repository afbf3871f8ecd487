import { FicusError } from '#core/errors';
import type { FenceRow } from '#core/handover';
import { type Authority, authorityOf } from '#core/phase';
import type { HandoverParts, Leg, LogEnds, StoreFence } from '../../../../apps/admin/src/handover-runner.ts';
import { type LegacyTransaction, OutcomeUnknown } from './legacy-model.ts';
import type { Turn } from './scheduler.ts';
import type { TopicModel } from './topic-model.ts';
import type { SourceProgress, World } from './world.ts';

/** The world as an instance that carries out a flip reaches it. */
export function handoverParts(world: World, turn: Turn): HandoverParts {
  const { scheduler, control, reverse, reverseSource } = world;
  const clock = { now: () => scheduler.now, sleep: (ms: number) => turn.sleep(ms) };
  return {
    clock,
    control: control.of(turn),
    fences: { legacy: legacyFence(world, turn), mongodb: mongoFence(world, turn) },
    legs: {
      legacy: forwardLeg(world, turn),
      mongodb: leg(turn, reverse, reverseSource, async () => undefined),
    },
    isSettled: async () => {
      await turn.step();
      return world.edited.size === 0;
    },
  };
}

function forwardLeg(world: World, turn: Turn): Leg {
  const { legacy, forward, forwardSource, control } = world;
  const whole = leg(turn, forward, forwardSource, async () => {
    await turn.step();
    legacy.beat();
  });
  const isDown = authorityOf(control.unit.value.phase) === 'mongodb';
  return isDown && world.is('echoes-not-drained')
    ? { ...whole, hasPassed: async () => true, hasApplied: async () => true }
    : whole;
}

function legacyFence(world: World, turn: Turn): StoreFence {
  const { legacy, control } = world;
  // Taken when the instance took up the flip.
  const early = legacy.position;
  const set = async (
    change: (row: FenceRow) => FenceRow,
    also: (transaction: LegacyTransaction) => Promise<void>,
  ): Promise<void> => {
    for (;;) {
      const transaction = await legacy.begin(turn);
      await transaction.enterAlone();
      try {
        transaction.setFence(change(await transaction.fence()));
        await also(transaction);
      } catch (error) {
        await transaction.rollback();
        throw error;
      }
      try {
        return await transaction.commit();
      } catch (error) {
        if (!(error instanceof OutcomeUnknown)) throw error;
      }
    }
  };
  return {
    shut: (term) =>
      set(
        (row) => ({ ...row, term: notBelow(row.term, term) }),
        async (transaction) => {
          if (!world.is('strangers-let-in')) await transaction.shutOutStrangers();
        },
      ),
    open: (term, authority) =>
      set(
        (row) => ({ term: notBelow(row.term, term), authority }),
        async (transaction) => {
          if (authority === 'legacy') transaction.giveRightsBack();
        },
      ),
    position: async () => {
      await turn.step();
      const isOfLegacy = authorityOf(control.unit.value.phase) === 'legacy';
      return String(world.is('position-before-fence') && isOfLegacy ? early : legacy.position);
    },
    term: async () => {
      await turn.step();
      return legacy.fence.term;
    },
  };
}

function mongoFence(world: World, turn: Turn): StoreFence {
  const { mongo } = world;
  return {
    shut: async (term) => {
      await turn.step();
      await mongo.setFence(turn, notBelow(mongo.fence, term));
    },
    open: async (_term: number, _authority: Authority) => undefined,
    position: async () => {
      await turn.step();
      return String(mongo.position);
    },
    term: async () => {
      await turn.step();
      return mongo.fence;
    },
  };
}

function notBelow(found: number, term: number): number {
  if (found > term) throw new FicusError('state_conflict', `term ${found} stands there, above ${term}`);
  return term;
}

function leg<T>(turn: Turn, topic: TopicModel<T>, source: SourceProgress, mark: () => Promise<void>): Leg {
  return {
    mark,
    hasPassed: async (position) => {
      await turn.step();
      return source.position >= BigInt(position);
    },
    ends: async () => {
      await turn.step();
      return topic.ends();
    },
    hasApplied: async (ends: LogEnds) => {
      await turn.step();
      return topic.isPast(ends);
    },
  };
}
