import type { ControlMigration } from './migration.ts';

/** Dead letters park their rows: letters of before are open, and nothing waits behind them. */
export const deadLetters: ControlMigration = {
  number: 2,
  name: 'dead-letters',
  async up(db) {
    const letters = db.collection('deadLetters');
    await letters.updateMany({ state: { $exists: false } }, [
      {
        $set: {
          ...{ state: 'dead', row: null, omitted: null, order: null, rehearsal: null, settledAt: null },
          cause: '$reason',
        },
      },
    ]);
    await letters.createIndexes([{ name: 'open', key: { unit: 1, state: 1, row: 1 } }]);
  },
};
