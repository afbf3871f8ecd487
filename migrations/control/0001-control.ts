import { type ControlMigration, putCollection } from './migration.ts';

const COUNT = { bsonType: ['int', 'long'], minimum: 1 };
/** Seconds after which a silent instance is forgotten. */
const INSTANCE_SECONDS = 300;

/** The first form: validators of what a flip depends on, and the indexes of every query. */
export const control: ControlMigration = {
  number: 1,
  name: 'control',
  async up(db) {
    await putCollection(db, 'units', {
      $jsonSchema: {
        required: ['plan', 'planVersion', 'phase', 'epoch', 'term', 'revision', 'since', 'transition'],
        properties: {
          phase: { enum: ['legacy', 'offload', 'y-loading', 'primary', 'backup', 'retired'] },
          planVersion: COUNT,
          epoch: COUNT,
          term: COUNT,
          revision: COUNT,
        },
      },
    });
    await putCollection(db, 'transitions', {
      $jsonSchema: {
        required: ['unit', 'from', 'to', 'reason', 'requestedBy', 'at', 'state', 'guards'],
        properties: {
          state: { enum: ['running', 'done', 'refused', 'cancelled'] },
          reason: { minLength: 1 },
        },
      },
    });
    await putCollection(db, 'verifications', {
      $jsonSchema: {
        required: ['unit', 'state', 'requestedBy', 'requestedAt', 'checkpoint', 'attempt'],
        properties: { state: { enum: ['queued', 'running', 'passed', 'failed', 'broken'] } },
      },
    });
    await db.collection('transitions').createIndexes([
      // At most one flip of a unit at a time, whatever the instances of the admin app do.
      {
        name: 'one-running',
        key: { unit: 1 },
        unique: true,
        partialFilterExpression: { state: 'running' },
      },
      { name: 'history', key: { unit: 1, at: -1, _id: -1 } },
    ]);
    await db.collection('verifications').createIndexes([
      { name: 'history', key: { unit: 1, requestedAt: -1, _id: -1 } },
      {
        name: 'unfinished',
        key: { requestedAt: 1 },
        partialFilterExpression: { state: { $in: ['queued', 'running'] } },
      },
    ]);
    await db.collection('deadLetters').createIndexes([
      { name: 'newest', key: { at: -1, _id: 1 } },
      { name: 'unit', key: { unit: 1, at: -1, _id: 1 } },
    ]);
    await db
      .collection('instances')
      .createIndexes([{ name: 'silent', key: { at: 1 }, expireAfterSeconds: INSTANCE_SECONDS }]);
    await db.collection('unknownColumns').createIndexes([{ name: 'unit', key: { unit: 1 } }]);
    await db.collection('snapshots').createIndexes([{ name: 'unit', key: { unit: 1 } }]);
  },
};
