import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import { aUnit, FacadeRig, type Sent } from '#testing/facade-rig';
import { ordersPlan } from '#testing/orders-plan';

/** The HTTP behaviour of the facade, on stores in memory; what real servers add is in facade.int.test.ts. */

const ADA = { region: 'EU', number: '7', customer: { name: 'Ada' }, amount: '1.50' };

let rig: FacadeRig;

beforeEach(async () => {
  rig = await FacadeRig.start();
});

afterEach(async () => {
  await rig.stop();
});

describe('a document', () => {
  it('is created, read, replaced, patched and deleted', async () => {
    const created = await rig.send('POST', '/v1/orders', { body: ADA });
    expect(created.status).toBe(201);
    expect(created.headers).toMatchObject({
      location: '/v1/orders/EU,7',
      'ficus-phase': 'legacy',
      'ficus-store': 'legacy',
    });

    const read = await rig.send('GET', '/v1/orders/EU,7');
    expect(read).toMatchObject({ status: 200, body: created.body });
    expect(read.headers.etag).toBe(created.headers.etag);
    expect(JSON.parse(read.body)).toMatchObject({
      customer: { name: 'Ada', vip: null },
      amount: '1.50',
      lines: [],
      address: null,
    });

    const replaced = await rig.send('PUT', '/v1/orders/EU,7', { body: read.body });
    expect(replaced).toMatchObject({ status: 200, body: read.body });

    const patched = await rig.send('PATCH', '/v1/orders/EU,7', {
      body: { pieces: 3, address: { addressId: 1, street: 'Main' } },
    });
    expect(JSON.parse(patched.body)).toMatchObject({
      pieces: 3,
      customer: { name: 'Ada' },
      address: { street: 'Main', city: null },
    });
    const merged = await rig.send('PATCH', '/v1/orders/EU,7', { body: { address: { city: 'Ulm' } } });
    expect(JSON.parse(merged.body)).toMatchObject({ address: { addressId: 1, street: 'Main', city: 'Ulm' } });

    const deleted = await rig.send('DELETE', '/v1/orders/EU,7');
    expect(deleted).toMatchObject({ status: 204, body: '' });
    expect(codeOf(await rig.send('GET', '/v1/orders/EU,7'))).toBe('document_unknown');
  });

  it('is found by a key with every kind of character', async () => {
    const region = 'ä,/%';
    const created = await rig.send('POST', '/v1/orders', { body: { ...ADA, region } });
    expect(created.headers.location).toBe('/v1/orders/%C3%A4%2C%2F%25,7');
    const read = await rig.send('GET', String(created.headers.location));
    expect(JSON.parse(read.body)).toMatchObject({ region });
  });

  it('is not sent again to a client that has it', async () => {
    const { headers } = await rig.send('POST', '/v1/orders', { body: ADA });
    const etag = String(headers.etag);
    const known = await rig.send('GET', '/v1/orders/EU,7', { headers: { 'if-none-match': etag } });
    expect(known).toMatchObject({ status: 304, body: '' });
    expect(known.headers).toMatchObject({ etag, 'ficus-store': 'legacy' });
    expect((await rig.send('GET', '/v1/orders/EU,7', { headers: { 'if-none-match': '"old"' } })).status).toBe(
      200,
    );
  });

  it('is not written under a condition that nobody would check', async () => {
    const { headers } = await rig.send('POST', '/v1/orders', { body: ADA });
    for (const name of ['if-match', 'if-none-match']) {
      const condition = { headers: { [name]: String(headers.etag) } };
      expect(codeOf(await rig.send('DELETE', '/v1/orders/EU,7', condition))).toBe('request_invalid');
    }
    expect((await rig.send('GET', '/v1/orders/EU,7')).status).toBe(200);
  });

  it('answers HEAD like GET without the body', async () => {
    const created = await rig.send('POST', '/v1/orders', { body: ADA });
    const head = await rig.send('HEAD', '/v1/orders/EU,7');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers).toMatchObject({
      etag: created.headers.etag,
      'content-length': String(Buffer.byteLength(created.body)),
    });
  });

  it.each(['PUT', 'PATCH', 'DELETE'])('that is missing answers %s with 404', async (method) => {
    const body = method === 'DELETE' ? {} : { body: method === 'PUT' ? ADA : { pieces: 1 } };
    const sent = await rig.send(method, '/v1/orders/EU,7', body);
    expect(codeOf(sent)).toBe('document_unknown');
    expect(sent.headers).toMatchObject({ 'ficus-phase': 'legacy', 'ficus-store': 'legacy' });
  });
});

describe('a list', () => {
  beforeEach(async () => {
    for (let number = 1; number <= 5; number++)
      await rig.send('POST', '/v1/orders', { body: { ...ADA, number: String(number), pieces: number % 2 } });
  });

  const numbersIn = (sent: Sent): readonly string[] =>
    (JSON.parse(sent.body) as { items: { number: string }[] }).items.map(({ number }) => number);

  it.each(['limit=%zz', 'sort=%', 'filter[note]=%E9'])('does not guess what %s means', async (query) => {
    const sent = await rig.send('GET', `/v1/orders?${query}`);
    expect(sent.status).toBe(400);
    expect(JSON.parse(sent.body)).toMatchObject({
      code: 'query_invalid',
      errors: [{ pointer: '', detail: expect.stringContaining('percent-encoded') }],
    });
  });

  it('is walked page by page in the order asked for', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Sent = await rig.send(
        'GET',
        `/v1/orders?limit=2&sort=-pieces,-number${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...numbersIn(page));
      cursor = (JSON.parse(page.body) as { next: string | null }).next;
    }
    expect(seen).toEqual(['5', '3', '1', '4', '2']);
  });

  it('is filtered', async () => {
    expect(numbersIn(await rig.send('GET', '/v1/orders?filter[number][gt]=1&filter[pieces]=1'))).toEqual([
      '3',
      '5',
    ]);
    expect(numbersIn(await rig.send('GET', '/v1/orders?filter%5Bnumber%5D%5Bin%5D=2%2C4'))).toEqual([
      '2',
      '4',
    ]);
  });

  it('gets 410 for a cursor that has outlived its store', async () => {
    await rig.flip(rig.unit('offload'));
    await rig.mongodb.write(ordersPlan, {
      kind: 'insert',
      document: { root: { region: 'A', number: '1' }, embeds: {} },
    });
    await rig.mongodb.write(ordersPlan, {
      kind: 'insert',
      document: { root: { region: 'A', number: '2' }, embeds: {} },
    });
    const page = await rig.send('GET', '/v1/orders?limit=1');
    expect(page.headers['ficus-store']).toBe('mongodb');
    const { next } = JSON.parse(page.body) as { next: string };
    await rig.flip(rig.unit('legacy'));
    expect(codeOf(await rig.send('GET', `/v1/orders?limit=1&cursor=${next}`))).toBe('cursor_expired');
  });
});

describe('a read in offload', () => {
  beforeEach(async () => {
    await rig.send('POST', '/v1/orders', { body: ADA });
    await rig.flip(rig.unit('offload'));
    await rig.mongodb.write(ordersPlan, {
      kind: 'insert',
      document: { root: { region: 'EU', number: '7', 'customer.name': 'Ada', amount: '1.50' }, embeds: {} },
    });
  });

  it('comes from MongoDB with the same bytes and the same tag', async () => {
    const fresh = await rig.send('GET', '/v1/orders/EU,7');
    const old = await rig.send('GET', '/v1/orders/EU,7', { headers: { 'ficus-read-from': 'legacy' } });
    expect(fresh.headers['ficus-store']).toBe('mongodb');
    expect(old.headers['ficus-store']).toBe('legacy');
    expect([fresh.body, fresh.headers.etag]).toEqual([old.body, old.headers.etag]);
  });

  interface Case {
    readonly why: string;
    readonly spoil: () => Promise<void>;
    readonly fallback: string;
  }
  const cases: readonly Case[] = [
    { why: 'lags', spoil: () => rig.flip(rig.unit('offload', 6_000)), fallback: 'lag' },
    {
      why: 'says nothing of its lag',
      spoil: () => rig.flip(rig.unit('offload', null)),
      fallback: 'lag-unknown',
    },
    {
      why: 'fails',
      spoil: async () => {
        rig.mongodb.failure = new FicusError('mongo_unavailable', 'gone', { retryable: true });
      },
      fallback: 'mongodb-unavailable',
    },
    {
      why: 'has never seen a value of the document',
      spoil: async () => {
        const [known] = rig.mongodb.all();
        if (known === undefined) throw new Error('it was just written');
        rig.mongodb.put({ ...known, incomplete: true });
      },
      fallback: 'incomplete',
    },
    {
      why: 'has not the document and is not sure of that',
      spoil: async () => {
        rig.mongodb.remove(['EU', '7']);
        rig.mongodb.unsure.add('EU,7');
      },
      fallback: 'incomplete',
    },
    {
      why: 'has answered nothing lately',
      spoil: async () => {
        rig.clock.turn(3_000);
        await rig.loseControl();
      },
      fallback: 'mongodb-unavailable',
    },
  ];
  it('falls back to legacy with a list when MongoDB is not sure of any row', async () => {
    rig.mongodb.unsure.add('EU,99');
    const page = await rig.send('GET', '/v1/orders?limit=1');
    expect(page.headers).toMatchObject({ 'ficus-store': 'legacy', 'ficus-fallback': 'incomplete' });
  });

  it.each(cases)('falls back to legacy when MongoDB $why', async ({ spoil, fallback }) => {
    await spoil();
    const read = await rig.send('GET', '/v1/orders/EU,7');
    expect(read.status).toBe(200);
    expect(read.headers).toMatchObject({
      'ficus-store': 'legacy',
      'ficus-fallback': fallback,
      'ficus-phase': 'offload',
    });
  });
});

describe('beside the resources', () => {
  it('the documentation follows the plans without a restart', async () => {
    const titles = async (): Promise<readonly string[]> => {
      const { paths } = JSON.parse((await rig.send('GET', '/openapi.json')).body) as { paths: object };
      return Object.keys(paths);
    };
    expect(await titles()).toContain('/v1/archive');
    await rig.flip(aUnit({ ...ordersPlan, unit: 'bills' }, 'legacy', rig.clock.iso()));
    expect(await titles()).toEqual(['/v1/bills', '/v1/bills/{key}']);
    const page = await rig.send('GET', '/docs');
    expect(page.status).toBe(200);
    expect(page.body).toContain('swagger-ui');
    expect((await rig.send('GET', '/docs/swagger-ui-init.js')).body).toContain('/v1/bills');
    expect((await rig.send('GET', '/docs/swagger-ui.css')).status).toBe(200);
  });

  it('readiness names what is down, and stays ready for what can be served', async () => {
    expect(await rig.send('GET', '/health/live')).toMatchObject({ status: 200 });
    expect(JSON.parse((await rig.send('GET', '/health/ready')).body)).toMatchObject({ status: 'up' });
    await rig.loseControl();
    const ready = await rig.send('GET', '/health/ready');
    expect(JSON.parse(ready.body)).toMatchObject({
      dependencies: [{ name: 'mongodb', up: false, since: rig.clock.iso(), reason: 'MongoDB: gone' }],
    });
    await rig.send('POST', '/v1/orders', { body: ADA });
    expect((await rig.send('GET', '/v1/orders/EU,7')).status).toBe(200);
  });

  it('metrics count requests by unit, method, store, phase and status', async () => {
    await rig.send('GET', '/v1/orders');
    await rig.send('GET', '/v1/nonsense');
    const { body } = await rig.send('GET', '/metrics');
    expect(body).toContain(
      'ficus_request_seconds_count{unit="orders",method="GET",store="legacy",phase="legacy",status="200"} 1',
    );
    expect(body).toContain(
      'ficus_request_seconds_count{unit="-",method="GET",store="-",phase="-",status="404"} 1',
    );
    expect(body).not.toContain('nonsense');
  });
});

function codeOf(sent: Sent): string {
  return (JSON.parse(sent.body) as { code: string }).code;
}
