import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '../../sandbox/src/estate/billing.ts';

/** Rows of the table: each is changed again only after all others were. */
const ROWS = 20_000;
/** Changes of one transaction at most, and milliseconds between two. */
const TOGETHER = 50;
const EVERY_MS = 10;

const TABLE = `
CREATE TABLE public.orders (
  id         bigint         PRIMARY KEY,
  customer   varchar(8)     NOT NULL,
  status     varchar(12)    NOT NULL,
  amount     numeric(12,2)  NOT NULL,
  tax        numeric(12,2)  NOT NULL,
  pieces     integer        NOT NULL,
  ordered_on date           NOT NULL,
  changed_at timestamptz(3) NOT NULL,
  city       varchar(40)    NOT NULL,
  note       text           NOT NULL
);
INSERT INTO public.orders
SELECT id, 'C' || id, 'new', id % 1000, id % 100, id % 50, DATE '2026-01-01' + (id % 300)::int, now(), 'Antwerpen', ''
FROM generate_series(0, ${ROWS - 1}) AS id;
`;

const CHANGE = `
UPDATE public.orders SET note = given.note, pieces = pieces + 1, changed_at = now()
FROM unnest($1::bigint[], $2::text[]) AS given (id, note) WHERE orders.id = given.id`;

/** Makes the source database. @param serverUrl the superuser's. @returns the address of the database. */
export async function createSource(serverUrl: string, database: string): Promise<string> {
  await withClient(serverUrl, (client) => client.query(`CREATE DATABASE ${database}`));
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  await withClient(url.href, (client) => client.query(TABLE));
  return url.href;
}

/** What the change of a number leaves in its row, so that it is known again. */
export function noteOf(number: number): string {
  return `change ${number}`.padEnd(34, '.');
}

/** The notes of the changes that are watched: one of ten, and the last one of a whole number of tens. */
export const WATCHED = /9\.+$/;
export const WATCHED_SHARE = 0.1;

/** The number of a change by what it left; null for a row that was not changed. */
export function numberOf(note: unknown): number | null {
  const found = /^change (\d+)\./.exec(String(note));
  return found === null ? null : Number(found[1]);
}

/** Changes rows at a steady rate. @returns the rate that was reached, changes a second. */
export async function changeSteadily(url: string, given: { rate: number; seconds: number }): Promise<number> {
  const { rate, seconds } = given;
  const total = rate * seconds;
  return await withClient(url, async (client) => {
    const begun = performance.now();
    for (let done = 0; done < total; ) {
      const due = Math.min(total, Math.floor(((performance.now() - begun) * rate) / 1_000));
      const until = Math.min(due, done + TOGETHER);
      const numbers = Array.from({ length: until - done }, (_, index) => done + index);
      if (numbers.length > 0)
        await client.query(CHANGE, [numbers.map((number) => number % ROWS), numbers.map(noteOf)]);
      done = until;
      if (done === due) await sleep(EVERY_MS);
    }
    return (total * 1_000) / (performance.now() - begun);
  });
}
