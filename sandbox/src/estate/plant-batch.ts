import { type Db2Session, openSession } from '#legacy/db2/driver';
import { partNo } from './plant.ts';
import { Random } from './random.ts';

/** Numbers of the program's own parts begin here, apart from the seeded ones. */
const FIRST = 50_000_000;

/** The plant's programs: they write straight into Db2, some transactions rolled back, until they are stopped. */
export class PlantBatch {
  readonly #url: string;
  readonly #random: Random;
  readonly #seeded: number;
  readonly #stopping = new AbortController();
  #session: Db2Session | null = null;
  #running: Promise<void> | null = null;
  #own = 0;
  #events = 1_000;
  /** Transactions committed so far. */
  committed = 0;

  constructor(url: string, seed: number, seeded: number) {
    this.#url = url;
    this.#random = new Random(seed);
    this.#seeded = seeded;
  }

  /** @param perSecond transactions at most. */
  start(perSecond: number): void {
    this.#running ??= this.#run(1_000 / perSecond);
  }

  /** May be called again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#session?.close().catch(() => undefined);
    this.#session = null;
  }

  async #run(pauseMs: number): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#transaction().catch(() => this.#forget());
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** A session that failed may be gone with its server: the next transaction opens another. */
  async #forget(): Promise<void> {
    const broken = this.#session;
    this.#session = null;
    await broken?.close().catch(() => undefined);
  }

  async #transaction(): Promise<void> {
    this.#session ??= await openSession(this.#url);
    await this.#session.begin();
    await this.#change(this.#session);
    if (this.#random.chance(0.1)) {
      await this.#session.rollback();
      return;
    }
    await this.#session.commit();
    this.committed++;
  }

  async #change(session: Db2Session): Promise<void> {
    const random = this.#random;
    const part = partNo(random.whole(0, this.#seeded - 1));
    switch (random.pick(['status', 'event', 'event', 'insert', 'scrap', 'forget'])) {
      case 'status':
        await session.execute(
          `UPDATE PLANT.PART SET STATUS = ?, PRICE = PRICE + 1.05, CHANGED_AT = CURRENT_TIMESTAMP WHERE PART_NO = ?`,
          [random.pick(['ACTIVE', 'BLOCKED']), part],
        );
        return;
      case 'event':
        await this.#event(session, part);
        return;
      case 'insert': {
        const own = partNo(FIRST + this.#own++);
        await session.execute(
          `INSERT INTO PLANT.PART (PART_NO, SERIAL_NO, DESCRIPTION, MATERIAL, WEIGHT_KG, PRICE, STATUS, RELEASED_ON, CHANGED_AT)
           VALUES (?, CAST(? AS BIGINT), ?, NULL, CAST(? AS DECIMAL(12,4)), NULL, 'ACTIVE', NULL, CURRENT_TIMESTAMP)`,
          [
            own,
            String(9_007_299_254_740_993n + BigInt(this.#own)),
            `Neuteil Ø${this.#own}`,
            `${random.whole(1, 99)}.5000`,
          ],
        );
        await this.#event(session, own);
        return;
      }
      case 'scrap':
        await session.execute(`DELETE FROM PLANT.LIFECYCLE_EVENT WHERE PART_NO = ? AND EVENT_NO = 1`, [part]);
        return;
      case 'forget': {
        if (this.#own < 5) return;
        const own = partNo(FIRST + random.whole(0, this.#own - 1));
        await session.execute(`DELETE FROM PLANT.LIFECYCLE_EVENT WHERE PART_NO = ?`, [own]);
        await session.execute(`DELETE FROM PLANT.PART WHERE PART_NO = ?`, [own]);
        return;
      }
    }
  }

  async #event(session: Db2Session, part: string): Promise<void> {
    await session.execute(
      `INSERT INTO PLANT.LIFECYCLE_EVENT (PART_NO, EVENT_NO, KIND, HAPPENED_AT, PLACE, QUANTITY, REMARK)
       VALUES (?, CAST(? AS INTEGER), 'INSPECTED', CURRENT_TIMESTAMP, 'W7', CAST(? AS DECIMAL(9,3)), ?)`,
      [part, String(this.#events++), `${this.#random.whole(0, 99)}.125`, 'geprüft ✓'],
    );
  }
}
