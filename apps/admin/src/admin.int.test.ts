import { randomUUID } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Control } from '#mongo/control/control';
import { aLetter } from '#testing/a-letter';
import { AdminRig } from '#testing/admin-rig';
import { aPlan } from '#testing/plans';
import { aVerification } from '#testing/verifications';

let rig: AdminRig;
let control: Control;
let app: NestFastifyApplication;

beforeAll(async () => {
  rig = await AdminRig.start('admin-test');
  ({ control, app } = rig);
});
afterAll(async () => {
  await rig.stop();
});

/** What the tests reach into, of any answer. */
interface Body {
  readonly id: string;
  readonly state: string;
  readonly detail: string;
  readonly lagMs: number;
  readonly items: readonly { readonly unit: string }[];
  readonly guards: readonly { readonly name: string; readonly passed: boolean }[];
  readonly errors: readonly { readonly pointer: string }[];
  readonly steps: readonly { readonly name: string }[];
}

const call = (...given: Parameters<AdminRig['call']>) => rig.call<Body>(...given);

let unit: string;
let path: string;
beforeEach(async () => {
  unit = `unit-${randomUUID()}`;
  path = `/admin/units/${unit}`;
  await control.plans.put(aPlan({ unit, collection: unit }), 'text', 'owner');
});

/** All that the guards of a flip up ask for. */
async function makeGreen(): Promise<void> {
  const at = new Date().toISOString();
  const snapshot = { complete: true, rows: 5, total: 5, startedAt: at, completedAt: at };
  await control.status.put({ planVersion: 1, unit, at, lagMs: 1, backlog: 0, snapshot });
  const id = randomUUID();
  await control.verifications.create(aVerification({ id, unit, requestedAt: at }));
  const run = await control.verifications.take(id);
  if (run === null) throw new Error('just created');
  const verification = { ...run.verification, state: 'passed', finishedAt: at, rowsCompared: 5 } as const;
  await control.verifications.save({ ...run, verification });
  await control.instances.beat({ id: 'facade-test', app: 'facade', at, plans: {} });
}

const UP = { to: 'offload', reason: 'trying' };

describe('units', () => {
  it('shows all and one, with lag, counts, snapshot and next steps', async () => {
    await makeGreen();
    await control.status.addCounts(unit, {
      applied: 7,
      unchanged: 0,
      stale: 0,
      recheck: 0,
      deadLetters: 0,
    });
    const { status, body } = await call('GET', path);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      unit,
      phase: 'legacy',
      epoch: 1,
      term: 1,
      counts: { applied: 7 },
      snapshot: { complete: true, rows: 5, remainingMs: null },
      deadLetters: 0,
      unknownColumns: 0,
      verification: { state: 'passed', rowsCompared: 5, differences: 0 },
      steps: [{ to: 'offload', direction: 'up' }],
    });
    expect(body.lagMs).toBeGreaterThan(0);
    const all = await call('GET', '/admin/units');
    expect(all.body.items.map((one) => one.unit)).toContain(unit);
  });

  it('shows a unit of which no replicator has spoken', async () => {
    expect((await call('GET', path)).body).toMatchObject({ lagMs: null, snapshot: null, counts: null });
  });

  it('shows unknown columns and dead letters without the raw records', async () => {
    const at = new Date().toISOString();
    const { table, fields } = aPlan().root;
    for (const column of ['new', fields[0]?.column ?? ''])
      await control.unknownColumns.report({ unit, table, column, count: 1, origin: 'x/0/1', at });
    await control.deadLetters.add([aLetter(unit, 1)]);
    expect((await call('GET', `${path}/unknown-columns`)).body.items).toMatchObject([{ column: 'new' }]);
    expect((await call('GET', path)).body).toMatchObject({ unknownColumns: 1 });
    const letters = await call('GET', `/admin/dead-letters?unit=${unit}`);
    expect(letters.body.items).toMatchObject([{ topic: unit, offset: '1', reason: 'no JSON' }]);
    for (const raw of ['c2VjcmV0', 'a2V5']) expect(JSON.stringify(letters.body)).not.toContain(raw);
  });
});

describe('a flip', () => {
  it('is refused while red, with the guards, and the refusal is kept', async () => {
    const { status, headers, body } = await call('POST', `${path}/transitions`, UP);
    expect(status).toBe(409);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({ code: 'guard_failed', status: 409 });
    const red = body.guards.filter((guard) => !guard.passed);
    expect(red.map((guard) => guard.name)).toEqual(
      expect.arrayContaining(['snapshot-complete', 'lag', 'verified', 'drift']),
    );
    expect(body.errors).toHaveLength(red.length);
    const history = await call('GET', `${path}/transitions`);
    expect(history.body.items).toMatchObject([{ state: 'refused', reason: 'trying', requestedBy: 'ann' }]);
  });

  it('shows guards and steps in a dry run and changes nothing', async () => {
    await makeGreen();
    const before = await call('GET', path);
    const { status, body } = await call('POST', `${path}/transitions`, { ...UP, dryRun: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({ dryRun: true, from: 'legacy', to: 'offload', allowed: true });
    expect(body.steps.map((step) => step.name)).toEqual(['record', 'switch', 'finish']);
    const after = await call('GET', path);
    expect({ ...after.body, lagMs: 0 }).toEqual({ ...before.body, lagMs: 0 });
    expect((await call('GET', `${path}/transitions`)).body.items).toEqual([]);
  });

  it('goes up and down when green, and stands in the history', async () => {
    await makeGreen();
    const up = await call('POST', `${path}/transitions`, UP);
    expect(up.status).toBe(201);
    expect(up.headers.location).toBe(`/admin/transitions/${up.body.id}`);
    expect((await call('GET', String(up.headers.location))).body).toEqual(up.body);
    expect(up.body).toMatchObject({ state: 'done', from: 'legacy', to: 'offload', requestedBy: 'ann' });
    expect((await call('GET', path)).body).toMatchObject({ phase: 'offload', term: 2, epoch: 1 });
    const next = await call('GET', `${path}/transition`);
    expect(next.body).toMatchObject({
      unit,
      phase: 'offload',
      steps: [
        { to: 'y-loading', direction: 'up', allowed: false },
        { to: 'legacy', direction: 'down', allowed: true },
      ],
    });
    const down = await call('POST', `${path}/transitions`, { to: 'legacy', reason: 'back' });
    expect(down.status).toBe(201);
    expect((await call('GET', `${path}/transitions?limit=1`)).body.items).toEqual([down.body]);
  });

  it('lets one of several racing operators through and tells the others who won', async () => {
    await makeGreen();
    const all = await Promise.all(Array.from({ length: 6 }, () => call('POST', `${path}/transitions`, UP)));
    expect(all.map((one) => one.status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
    for (const { status, body } of all.filter((one) => one.status === 409)) {
      expect(body, String(status)).toMatchObject({ code: 'state_conflict' });
      expect(body.detail).toMatch(/by ann at \d{4}-|already, since \d{4}-|was just ended/);
    }
    expect((await call('GET', path)).body).toMatchObject({ phase: 'offload', term: 2 });
  });

  it('is ended by the caretaker when a crash left it running', async () => {
    const id = randomUUID();
    await control.transitions.record({
      id,
      unit,
      from: 'legacy',
      to: 'offload',
      reason: 'crashed',
      requestedBy: 'bob',
      at: new Date(Date.now() - 60_000).toISOString(),
      state: 'running',
      guards: [],
      finishedAt: null,
    });
    await expect
      .poll(async () => (await call('GET', `/admin/transitions/${id}`)).body.state, { timeout: 10_000 })
      .toBe('cancelled');
    expect((await call('GET', path)).body).toMatchObject({ phase: 'legacy', term: 2 });
  });
});

describe('verifications', () => {
  it('are queued, found at once, and joined', async () => {
    const first = await call('POST', `${path}/verifications`);
    expect(first.status).toBe(202);
    expect(first.body).toMatchObject({ unit, state: 'queued', requestedBy: 'ann', progress: null });
    expect((await call('GET', String(first.headers.location))).body).toEqual(first.body);
    const second = await call('POST', `${path}/verifications`, {});
    expect(second.body.id).toBe(first.body.id);
    expect((await call('GET', `${path}/verifications`)).body.items).toEqual([first.body]);
    expect((await call('GET', `${path}/drift`)).body).toEqual({ verification: null, items: [] });
  });
});

interface Bad {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly status: number;
  readonly code: string;
  readonly pointers?: readonly string[];
}

const BAD: readonly Bad[] = [
  { name: 'an unknown unit', method: 'GET', path: '/admin/units/none', status: 404, code: 'unit_unknown' },
  {
    name: 'a flip of an unknown unit',
    method: 'POST',
    path: '/admin/units/none/transitions',
    body: UP,
    status: 404,
    code: 'unit_unknown',
  },
  {
    name: 'an unknown transition',
    method: 'GET',
    path: '/admin/transitions/none',
    status: 404,
    code: 'transition_unknown',
  },
  {
    name: 'an unknown verification',
    method: 'GET',
    path: '/admin/verifications/none',
    status: 404,
    code: 'verification_unknown',
  },
  { name: 'an unknown address', method: 'GET', path: '/admin/nothing', status: 404, code: 'route_unknown' },
  {
    name: 'a wrong method',
    method: 'DELETE',
    path: '/admin/units',
    status: 405,
    code: 'method_not_allowed',
  },
  {
    name: 'a wrong limit',
    method: 'GET',
    path: '/admin/dead-letters?limit=0&colour=red&state=lost',
    status: 400,
    code: 'query_invalid',
    pointers: ['/limit', '/state', '/colour'],
  },
];

describe('a bad request', () => {
  it.each(BAD)('$name', async ({ method, path: bad, body, status, code, pointers }) => {
    const answer = await call(method, bad, body);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({ status, code, instance: expect.stringMatching(/^urn:/) });
    if (pointers !== undefined) expect(answer.body.errors.map((error) => error.pointer)).toEqual(pointers);
    if (status === 405) expect(answer.headers.allow).toBe('GET, HEAD');
  });

  it('names every fault of a body', async () => {
    const { status, body } = await call('POST', `${path}/transitions`, { to: 'heaven', force: 1 });
    expect(status).toBe(400);
    expect(body.errors.map((error) => error.pointer)).toEqual(['/to', '/reason', '/force']);
  });

  it('says where no step leads', async () => {
    const { status, body } = await call('POST', `${path}/transitions`, { to: 'backup', reason: 'x' });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'body_invalid', errors: [{ pointer: '/to' }] });
  });

  it('says that a body is no JSON', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: `${path}/transitions`,
      headers: { 'content-type': 'application/json' },
      payload: '{"to":',
    });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'body_invalid', errors: [{ pointer: '' }] });
  });

  it('says that a body is of another media type', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: `${path}/transitions`,
      headers: { 'content-type': 'text/plain' },
      payload: 'offload',
    });
    expect(answer.statusCode).toBe(415);
    expect(answer.json()).toMatchObject({ code: 'media_type_unsupported' });
  });
});

it('tells how it is', async () => {
  expect((await call('GET', '/health/live')).body).toEqual({ status: 'up' });
  expect((await call('GET', '/health/ready')).body).toMatchObject({
    status: 'up',
    dependencies: [{ name: 'mongodb', up: true, reason: null }],
  });
  expect((await call('GET', '/metrics')).status).toBe(200);
});
