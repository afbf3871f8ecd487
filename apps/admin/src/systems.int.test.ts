import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { halted, streaming } from '#core/capture';
import { AdminRig } from '#testing/admin-rig';
import { aPlan } from '#testing/plans';

let rig: AdminRig;
let system: string;
let unit: string;

beforeAll(async () => {
  rig = await AdminRig.start('systems-test');
});
afterAll(async () => {
  await rig.stop();
});
beforeEach(async () => {
  system = `system-${randomUUID()}`;
  unit = `unit-${randomUUID()}`;
  await rig.control.plans.put(aPlan({ unit, system, collection: unit }), 'text', 'owner');
});

interface Body {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly pointer: string }[];
}
const call = (method: 'GET' | 'POST', path: string, body?: unknown) => rig.call<Body>(method, path, body);
const order = (reason: unknown) => call('POST', `/admin/systems/${system}/resnapshot`, { reason });

describe('a legacy system', () => {
  it('is shown with its units and what its slot holds back, as its units are', async () => {
    const { body } = await call('GET', `/admin/systems/${system}`);
    expect(body).toEqual({ system, units: [unit], slot: null, lost: null, renewals: [], unswept: [] });
    const slot = {
      ...{ name: 's', limitBytes: 2, at: '2026-01-01T00:00:00.000Z', alarm: 'is much' },
      source: { cluster: '1', timeline: 1, flushed: '7' },
      slot: { walStatus: 'extended', retainedBytes: 1, safeBytes: 1, active: false, confirmed: '7' },
    } as const;
    await rig.control.captures.report(system, slot);
    expect((await call('GET', '/admin/systems')).body.items).toContainEqual(
      expect.objectContaining({ system, slot }),
    );
    expect((await call('GET', `/admin/units/${unit}`)).body).toMatchObject({ capture: { slot, lost: null } });
  });

  it('that no plan names is not there', async () => {
    const answer = await call('GET', '/admin/systems/none');
    expect([answer.status, answer.body.code]).toEqual([404, 'system_unknown']);
    const ordered = await call('POST', '/admin/systems/none/resnapshot', { reason: 'why not' });
    expect([ordered.status, ordered.body.code]).toEqual([404, 'system_unknown']);
  });

  it('begins anew by order, once at a time, and tells who, when and why', async () => {
    const answer = await order('the disk was full');
    expect(answer.status).toBe(202);
    expect(answer.headers.location).toBe(`/admin/systems/${system}`);
    expect(answer.body).toMatchObject({
      renewals: [{ by: 'ann', reason: 'the disk was full', stage: 'halting', endedAt: null }],
    });
    const again = await order('again');
    expect([again.status, again.body.code]).toEqual([409, 'state_conflict']);
    expect(again.body.detail).toContain('that ann ordered at');

    const { captures } = rig.control;
    const ordered = await captures.read(system);
    const sweeps = [{ unit, table: 'public.order', ends: { 0: '1' } }];
    const stopped = await captures.change(ordered, halted(ordered, { sweeps, firsts: null, slot: null }));
    await captures.change(stopped, streaming(stopped));
    expect((await call('GET', `/admin/systems/${system}`)).body).toMatchObject({
      unswept: [`${unit}/public.order`],
    });
    expect((await order('the new slot stands still')).body).toMatchObject({
      renewals: [{ stage: 'halting' }, { reason: 'the disk was full', stage: 'failed' }],
      unswept: [],
    });
  });

  it('begins anew in a new epoch where the order says so', async () => {
    const path = `/admin/systems/${system}/resnapshot`;
    const refused = await call('POST', path, { reason: 'why', newEpoch: 'yes' });
    expect([refused.status, refused.body.errors]).toEqual([
      400,
      [expect.objectContaining({ pointer: '/newEpoch' })],
    ]);
    const answer = await call('POST', path, { reason: 'the topics were made anew', newEpoch: true });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      lost: { reason: 'the topics were made anew', isOther: true },
      renewals: [{ by: 'ann', stage: 'halting' }],
    });
  });

  it('is not begun anew without a reason', async () => {
    for (const reason of ['', ' ', undefined]) {
      const { status, body } = await order(reason);
      expect([status, body.errors[0]?.pointer]).toEqual([400, '/reason']);
    }
  });
});
