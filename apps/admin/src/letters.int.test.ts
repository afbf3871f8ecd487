import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { aLetter } from '#testing/a-letter';
import { AdminRig } from '#testing/admin-rig';
import { aPlan } from '#testing/plans';

let rig: AdminRig;
let unit: string;

beforeAll(async () => {
  rig = await AdminRig.start('letters-test');
});
afterAll(async () => {
  await rig.stop();
});
beforeEach(async () => {
  unit = `unit-${randomUUID()}`;
  await rig.control.plans.put(aPlan({ unit, collection: unit }), 'text', 'owner');
  const later = aLetter(unit, 3, { row: null, reason: 'a truncate', cause: 'a truncate' });
  await rig.control.deadLetters.add([aLetter(unit, 1), aLetter(unit, 2, { state: 'waiting' }), later]);
});

interface Body {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly ordered: number;
  readonly errors: readonly { readonly pointer: string }[];
}
const call = (method: 'GET' | 'POST', path: string, body?: unknown) => rig.call<Body>(method, path, body);
const ORDERS = '/admin/dead-letters/orders';
const replay = (given: object) => call('POST', ORDERS, { unit, what: 'replay', reason: 'mended', ...given });

describe('dead letters', () => {
  it('are listed by their state, the open ones by themselves', async () => {
    const offsets = async (query: string) =>
      (await call('GET', `/admin/dead-letters?unit=${unit}${query}`)).body.items.map(({ offset }) => offset);
    expect(await offsets('')).toEqual(['3', '2', '1']);
    expect(await offsets('&state=waiting')).toEqual(['2']);
    expect(await offsets('&state=replayed')).toEqual([]);
    expect(await offsets('&limit=1')).toEqual(['3']);
  });

  it('are grouped by cause', async () => {
    const { body } = await call('GET', `/admin/dead-letters/groups?unit=${unit}`);
    expect(body.items).toMatchObject([
      { cause: 'a truncate', dead: 1, waiting: 0 },
      { cause: 'no JSON', dead: 1, waiting: 1 },
    ]);
  });

  it('are ordered to be replayed, by who, when and why', async () => {
    const { status, body } = await replay({ cause: 'no JSON' });
    expect(status).toBe(202);
    expect(body).toMatchObject({ dryRun: false, ordered: 1, items: [{ id: `${unit}/0/1`, state: 'dead' }] });
    const [letter] = await rig.control.deadLetters.read([`${unit}/0/1`]);
    expect(letter?.order).toEqual({ what: 'replay', reason: 'mended', by: 'ann', at: expect.any(String) });
    expect((await replay({ all: true })).body.ordered).toBe(2);
  });

  it('show in a dry run what the replicator has rehearsed', async () => {
    const answer = replay({ id: `${unit}/0/1`, dryRun: true });
    const outcomes = { applied: 1, unchanged: 0, stale: 0, recheck: 0 };
    await expect.poll(() => rig.control.deadLetters.due(unit, 10), { timeout: 5_000 }).toHaveLength(1);
    const [asked] = await rig.control.deadLetters.read([`${unit}/0/1`]);
    expect(asked?.order?.what).toBe('rehearse');
    const at = new Date().toISOString();
    await rig.control.deadLetters.rehearsed(`${unit}/0/1`, { at, outcomes, failure: null });
    expect(await answer).toMatchObject({
      status: 200,
      body: { dryRun: true, ordered: 1, items: [{ state: 'dead', order: null, rehearsal: { outcomes } }] },
    });
  });

  it('show in a dry run which would be discarded, and have no order then', async () => {
    const { status, body } = await call('POST', ORDERS, {
      ...{ unit, what: 'discard', topic: unit, reason: 'test rows', dryRun: true },
    });
    expect(status).toBe(200);
    expect(body.ordered).toBe(2);
    expect(await rig.control.deadLetters.due(unit, 10)).toEqual([]);
  });

  it.each([
    ['none that is meant', { id: 'other/0/1' }, 404, undefined],
    ['one that only waits', { cause: 'no JSON', code: 'value_invalid' }, 404, undefined],
    ['all, without saying so', {}, 400, ['']],
    [
      'an unknown kind, without a reason',
      { what: 'burn', all: false, reason: ' ' },
      400,
      ['/all', '/what', '/reason'],
    ],
    ['an unknown unit', { unit: 'none', all: true }, 404, undefined],
  ])('refuse an order for %s', async (_what, given, status, pointers) => {
    const answer = await replay(given);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    if (pointers !== undefined) expect(answer.body.errors.map(({ pointer }) => pointer)).toEqual(pointers);
    expect(await rig.control.deadLetters.due(unit, 10)).toEqual([]);
  });
});
