import pg from 'pg';
import { allocationRow, paymentId, paymentRow } from './billing-data.ts';
import { Random } from './random.ts';

/** Numbers of the batch program's own payments begin here, apart from the seeded ones. */
const FIRST = 500_000_000;

/**
 * The nightly batch that knows nothing of any API: it writes straight into the legacy database, in transactions of
 * several rows, some of them rolled back, until it is stopped.
 */
export class BatchProgram {
  readonly #pool: pg.Pool;
  readonly #random: Random;
  readonly #seeded: number;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #own = 0;
  /** Transactions committed so far. */
  committed = 0;

  /** @param seeded number of payments that the estate was made with. */
  constructor(url: string, seed: number, seeded: number) {
    this.#pool = new pg.Pool({ connectionString: url, max: 1 });
    // A server that goes away is met again at the next transaction.
    this.#pool.on('error', () => {});
    this.#random = new Random(seed);
    this.#seeded = seeded;
  }

  /** @param perSecond transactions. */
  start(perSecond: number): void {
    this.#running ??= this.#run(1_000 / perSecond);
  }

  /** May be called again. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await this.#running;
    await this.#pool.end();
  }

  async #run(pauseMs: number): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#transaction().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async #transaction(): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      await this.#change(client);
      if (this.#random.chance(0.05)) {
        await client.query('ROLLBACK');
        return;
      }
      await client.query('COMMIT');
      this.committed++;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  async #change(client: pg.PoolClient): Promise<void> {
    const random = this.#random;
    const id = paymentId(random.whole(0, this.#seeded - 1));
    switch (random.pick(['settle', 'settle', 'insert', 'allocate', 'reverse', 'supplier', 'delete'])) {
      case 'settle':
        await client.query(
          `UPDATE payment SET status = 'PAID', booked_at = localtimestamp, remittance = $2 WHERE payment_id = $1`,
          [id, `batch ${random.whole(1, 9_999)} ✓`],
        );
        return;
      case 'insert':
        await this.#insert(client);
        return;
      case 'allocate':
        await client.query(
          `UPDATE payment_allocation SET amount = amount + 0.01, note = $2 WHERE payment_id = $1`,
          [id, random.hex(6)],
        );
        return;
      case 'reverse':
        await client.query(
          `DELETE FROM payment_allocation WHERE payment_id = $1 AND line_no = (SELECT max(line_no) FROM payment_allocation WHERE payment_id = $1)`,
          [id],
        );
        return;
      case 'supplier':
        await client.query(
          `UPDATE supplier SET credit_limit = credit_limit + 1, changed_at = now() WHERE supplier_no = $1`,
          [String(9_007_199_254_740_993n + BigInt(random.whole(0, 1_999)) * 7n)],
        );
        return;
      case 'delete':
        if (this.#own > 10)
          await client.query(`DELETE FROM payment WHERE payment_id = $1`, [
            paymentId(FIRST + random.whole(0, this.#own - 1)),
          ]);
        return;
    }
  }

  async #insert(client: pg.PoolClient): Promise<void> {
    const index = FIRST + this.#own++;
    const { rows } = await client.query<{ company_code: string; supplier_no: string }>(
      `SELECT company_code, supplier_no::text FROM supplier LIMIT 1 OFFSET $1`,
      [this.#random.whole(0, 1_999)],
    );
    const supplier = rows[0];
    if (supplier === undefined) return;
    await insertRow(client, 'payment', {
      payment_id: paymentId(index),
      ...supplier,
      ...paymentRow(this.#random, index),
    });
    for (let line = 1; line <= this.#random.whole(0, 4); line++) {
      await insertRow(client, 'payment_allocation', {
        payment_id: paymentId(index),
        line_no: String(line),
        ...allocationRow(this.#random),
      });
    }
  }
}

async function insertRow(
  client: pg.PoolClient,
  table: string,
  row: Readonly<Record<string, string | null>>,
): Promise<void> {
  const names = Object.keys(row);
  await client.query(
    `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
    Object.values(row),
  );
}
