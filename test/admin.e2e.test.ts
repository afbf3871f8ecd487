import { beforeAll, describe, expect, it, vi } from 'vitest';

/** The running estate, through its two addresses only; no unit is known by name. */
const admin = address('FICUS_ADMIN_URL');
const api = address('FICUS_API_URL');

function address(variable: 'FICUS_ADMIN_URL' | 'FICUS_API_URL'): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set: this test needs the running apps`);
  return value;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** What this test reaches into, of any answer. */
interface Body {
  readonly unit: string;
  readonly id: string;
  readonly code: string;
  readonly phase: string;
  readonly term: number;
  readonly epoch: number;
  readonly state: string;
  readonly reason: string | null;
  readonly allowed: boolean;
  readonly rowsCompared: number;
  readonly snapshot: { readonly complete: boolean } | null;
  readonly verification: unknown;
  readonly items: readonly Body[];
  readonly steps: readonly { readonly to: string; readonly direction: string }[];
  readonly guards: readonly { readonly name: string; readonly passed: boolean }[];
}

async function call(method: 'GET' | 'POST', path: string, body?: unknown, actor = 'e2e'): Promise<Answer> {
  const reply = await fetch(admin + path, {
    method,
    headers: { 'content-type': 'application/json', 'ficus-actor': actor },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Body };
}

let unit: string;
let path: string;

const state = async (): Promise<Body> => (await call('GET', path)).body;
const red = (guards: Body['guards']): string[] =>
  guards.filter((guard) => !guard.passed).map((guard) => guard.name);

/** Milliseconds until the facade answers by this phase. */
async function seenByFacade(phase: string): Promise<number> {
  const began = performance.now();
  await vi.waitFor(
    async () => {
      const answer = await fetch(`${api}/v1/${unit}?limit=1`);
      await answer.arrayBuffer();
      expect(answer.headers.get('ficus-phase')).toBe(phase);
    },
    { timeout: 10_000, interval: 10 },
  );
  return performance.now() - began;
}

/** The lag guard may be red for a moment while a batch program writes. */
async function flip(to: string, reason: string): Promise<Answer> {
  return await vi.waitFor(
    async () => {
      const answer = await call('POST', `${path}/transitions`, { to, reason });
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      return answer;
    },
    { timeout: 60_000, interval: 250 },
  );
}

beforeAll(async () => {
  const { items } = (await call('GET', '/admin/units')).body;
  const fresh = items.find((one) => one.phase === 'legacy' && one.verification === null);
  const chosen = fresh ?? items.find((one) => one.phase === 'legacy' || one.phase === 'offload');
  if (chosen === undefined) throw new Error('no unit stands in legacy or offload');
  unit = chosen.unit;
  path = `/admin/units/${unit}`;
  if (chosen.phase === 'offload') await flip('legacy', 'back to the beginning');
});

describe('a unit on the running estate', () => {
  it('is not flipped while a guard is red, and says which', async () => {
    const next = (await call('GET', `${path}/transition`)).body;
    const up = next.steps.find((step) => step.direction === 'up') as unknown as Body;
    expect(up).toMatchObject({ to: 'offload' });
    if ((await state()).verification === null) expect(red(up.guards)).toContain('verified');
    if (up.allowed) return;
    const { status, headers, body } = await call('POST', `${path}/transitions`, {
      to: 'offload',
      reason: 'too early',
    });
    expect(status).toBe(409);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(body.code).toBe('guard_failed');
    expect(red(body.guards)).toContain('verified');
    expect(await state()).toMatchObject({ phase: 'legacy' });
    const [newest] = (await call('GET', `${path}/transitions`)).body.items;
    expect(newest).toMatchObject({ state: 'refused', reason: 'too early', requestedBy: 'e2e' });
  });

  it('is verified by comparing everything', async () => {
    await vi.waitFor(async () => expect((await state()).snapshot?.complete).toBe(true), {
      timeout: 240_000,
      interval: 500,
    });
    const asked = await call('POST', `${path}/verifications`, {});
    expect(asked.status).toBe(202);
    const run = await vi.waitFor(
      async () => {
        const { body } = await call('GET', `/admin/verifications/${asked.body.id}`);
        expect(['passed', 'failed', 'broken']).toContain(body.state);
        return body;
      },
      { timeout: 240_000, interval: 250 },
    );
    expect(run, JSON.stringify(run)).toMatchObject({ state: 'passed' });
    expect(run.rowsCompared).toBeGreaterThan(0);
  });

  it('is not changed by a dry run', async () => {
    const before = await state();
    const history = (await call('GET', `${path}/transitions`)).body.items;
    const { status, body } = await call('POST', `${path}/transitions`, {
      to: 'offload',
      reason: 'only looking',
      dryRun: true,
    });
    expect(status).toBe(200);
    expect(body.steps.length).toBeGreaterThan(0);
    const { phase, term, epoch } = before;
    expect(await state()).toMatchObject({ phase, term, epoch });
    expect((await call('GET', `${path}/transitions`)).body.items).toEqual(history);
  });

  it('is flipped by one of two racing operators, and the facade follows within a second', async () => {
    const before = await state();
    const race = (): Promise<Answer[]> =>
      Promise.all(
        ['ann', 'bob'].map((actor) =>
          call('POST', `${path}/transitions`, { to: 'offload', reason: 'racing' }, actor),
        ),
      );
    const answers = await vi.waitFor(
      async () => {
        const both = await race();
        // A moment of lag refuses both; anything else is the result.
        expect(both.every((one) => one.body.code === 'guard_failed')).toBe(false);
        return both;
      },
      { timeout: 60_000, interval: 250 },
    );
    expect(await seenByFacade('offload')).toBeLessThan(1_000);
    expect(answers.map((one) => one.status).sort()).toEqual([201, 409]);
    expect(answers.find((one) => one.status === 409)?.body.code).toMatch(/^(state_conflict|guard_failed)$/);
    expect(await state()).toMatchObject({ phase: 'offload', term: before.term + 1, epoch: before.epoch });
  });

  it('is not flipped to a phase that is not built', async () => {
    const next = (await call('GET', `${path}/transition`)).body;
    const up = next.steps.find((step) => step.direction === 'up');
    const { status, body } = await call('POST', `${path}/transitions`, { to: up?.to, reason: 'further' });
    expect(status).toBe(409);
    expect(red(body.guards)).toContain('phase-built');
  });

  it('goes down again, and its history tells everything', async () => {
    const done = await flip('legacy', 'rolled back');
    expect(await seenByFacade('legacy')).toBeLessThan(1_000);
    const { items } = (await call('GET', `${path}/transitions`)).body;
    expect(items[0]).toEqual(done.body);
    expect(items.filter((one) => one.state === 'done').slice(0, 2)).toMatchObject([
      { from: 'offload', to: 'legacy', reason: 'rolled back' },
      { from: 'legacy', to: 'offload', reason: 'racing' },
    ]);
    expect(items.filter((one) => one.state === 'running')).toEqual([]);
  });
});
