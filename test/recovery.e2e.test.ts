import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdminClient } from '../sandbox/src/estate/admin-client.ts';
import { ApiClients } from '../sandbox/src/estate/api-clients.ts';
import { BatchProgram } from '../sandbox/src/estate/batch-program.ts';
import { withDatabase } from '../sandbox/src/estate/billing.ts';
import { BILLING } from '../sandbox/src/estate/billing-schema.ts';
import { compareBytes, compareTotals } from '../sandbox/src/estate/compare.ts';
import { type Estate, startEstate } from '../sandbox/src/estate/estate.ts';
import { PlantBatch } from '../sandbox/src/estate/plant-batch.ts';
import { waitFor } from '../sandbox/src/process/poll.ts';
import { Supervisor } from '../sandbox/src/process/supervisor.ts';

/**
 * `kill -9` of each app, of MongoDB, of Kafka Connect and of Kafka, during the snapshot and during the stream, while a
 * batch program and API clients write: the stores must end equal. The estate is this test's own.
 */

const UNITS = ['payments', 'suppliers', 'parts'] as const;
// The snapshot must outlast a kill of each process, on a fast machine too.
const SIZE = { suppliers: 500, payments: 30_000, allocations: 3 };
const PLANT = { parts: 3_000, events: 4 };
const VICTIMS = ['replicator', 'mongo', 'connect', 'facade', 'kafka', 'db2', 'reconciler', 'admin'] as const;
type Victim = (typeof VICTIMS)[number];

const supervisor = new Supervisor();
let estate: Estate;
let admin: AdminClient;
let batch: BatchProgram;
let plant: PlantBatch;
let clients: ApiClients;

beforeAll(async () => {
  estate = await startEstate({ supervisor, log: () => undefined, built: true, size: SIZE, plant: PLANT });
  admin = new AdminClient(estate.apps.admin.url);
  const billing = withDatabase(estate.servers.env.TEST_POSTGRES_URL ?? '', BILLING, 'batch');
  batch = new BatchProgram(billing, estate.seed + 1, SIZE.payments);
  clients = new ApiClients(estate.apps.facade.url, estate.seed + 2, {
    payments: SIZE.payments,
    parts: PLANT.parts,
  });
  plant = new PlantBatch(estate.servers.env.TEST_DB2_BATCH_URL ?? '', estate.seed + 3, PLANT.parts);
  batch.start(20);
  plant.start(5);
  clients.start(2, 50);
});

afterAll(async () => {
  await Promise.all([batch?.stop(), plant?.stop(), clients?.stop()]);
  await supervisor.stopAll();
});

async function killAndRestart(victim: Victim): Promise<void> {
  const running =
    victim === 'mongo' || victim === 'connect' || victim === 'kafka' || victim === 'db2'
      ? estate.servers.get(victim)
      : estate.apps[victim].daemon;
  await running.kill();
  await running.restart();
}

/** What the replicator says of its dependencies, for the message of a test that waits in vain. */
async function readiness(): Promise<string> {
  return await (await fetch(`${estate.apps.replicator.url}/health/ready`)).text();
}

async function snapshotRows(unit: string): Promise<{ complete: boolean; rows: number }> {
  const { snapshot } = await admin.unit(unit);
  return { complete: snapshot?.complete ?? false, rows: snapshot?.rows ?? 0 };
}

/** Waits until the replicator has applied more of the snapshot than before. */
async function moreSnapshotThan(rows: number): Promise<number> {
  return await waitFor(
    `more than ${rows} snapshot rows`,
    async () => {
      const now = await snapshotRows('payments');
      if (now.rows <= rows) throw new Error(`${now.rows} rows`);
      return now.rows;
    },
    { timeoutMs: 120_000, everyMs: 100 },
  );
}

/** Waits for the snapshot's end as long as it goes on: how fast is the machine's affair. */
async function snapshotEnds(unit: string): Promise<void> {
  for (let rows = -1, complete = false; !complete; ) {
    ({ rows, complete } = await waitFor(
      `the end of the snapshot of ${unit}, or more than ${rows} rows`,
      async () => {
        const now = await snapshotRows(unit);
        if (!now.complete && now.rows <= rows) throw new Error(`${now.rows} rows; ${await readiness()}`);
        return now;
      },
      { timeoutMs: 120_000, everyMs: 500 },
    ));
  }
}

/** Waits until the batch program has committed some more transactions. */
async function moreLoad(transactions: number): Promise<void> {
  const before = batch.committed;
  await waitFor(
    'the batch program',
    async () => {
      if (batch.committed < before + transactions)
        throw new Error(`${batch.committed - before} transactions`);
    },
    { timeoutMs: 60_000 },
  );
}

async function verified(unit: string): Promise<Awaited<ReturnType<AdminClient['verification']>>> {
  const id = await admin.requestVerification(unit);
  return await waitFor(
    `the verification of ${unit}`,
    async () => {
      const found = await admin.verification(id);
      if (found === null || found.state === 'queued' || found.state === 'running')
        throw new Error(`${found?.state ?? 'none'}; ${await readiness()}`);
      return found;
    },
    { timeoutMs: 240_000, everyMs: 250 },
  );
}

describe('kill -9', () => {
  it('of each process during the snapshot loses nothing that the snapshot still has to bring', async () => {
    let rows = 0;
    const killedWhileRunning: Victim[] = [];
    for (const victim of VICTIMS) {
      rows = await moreSnapshotThan(rows);
      if (!(await snapshotRows('payments')).complete) killedWhileRunning.push(victim);
      await killAndRestart(victim);
    }
    expect(killedWhileRunning).toEqual([...VICTIMS]);
    for (const unit of UNITS) await snapshotEnds(unit);
  }, 1_200_000);

  it('of each process during the stream, and the facade serves again', async () => {
    for (const victim of VICTIMS) {
      await moreLoad(20);
      await killAndRestart(victim);
    }
    await moreLoad(20);
    await waitFor(
      'an answer of the facade',
      async () => {
        const answer = await fetch(`${estate.apps.facade.url}/v1/payments?limit=1`);
        if (!answer.ok) throw new Error(String(answer.status));
      },
      { timeoutMs: 60_000, everyMs: 100 },
    );
  }, 600_000);

  it('leaves both stores equal', async () => {
    await Promise.all([batch.stop(), plant.stop(), clients.stop()]);
    for (const unit of UNITS) {
      expect(await verified(unit)).toMatchObject({ state: 'passed', missing: 0, extra: 0, different: 0 });
      const { documents, unequal } = await compareBytes(estate.apps.facade.url, unit);
      expect(documents).toBeGreaterThan(0);
      expect(unequal).toEqual([]);
    }
    const { TEST_POSTGRES_URL = '', TEST_DB2_URL = '', TEST_MONGO_ROOT_URL = '' } = estate.servers.env;
    const totals = await compareTotals(
      withDatabase(TEST_POSTGRES_URL, BILLING),
      TEST_DB2_URL,
      TEST_MONGO_ROOT_URL,
    );
    expect(totals.filter((one) => !one.equal)).toEqual([]);
  }, 600_000);
});
