import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { addressOf } from '#testing/address';
import { TcpGate } from '#testing/tcp-gate';
import { openMongo } from './connection.ts';
import { reach } from './reach.ts';

let gate: TcpGate;
let url: string;
beforeEach(async () => {
  const address = new URL(addressOf('TEST_MONGO_URL'));
  gate = await TcpGate.before(address.hostname, Number(address.port));
  address.port = String(gate.port);
  // Else the driver would ask the server for its address and go round the gate.
  address.searchParams.set('directConnection', 'true');
  url = address.href;
});
afterEach(() => gate.close());

it('comes back by itself, whether MongoDB was away from the start or went away later', async () => {
  gate.shut();
  const client = openMongo(url, 'test');
  const ask = () => reach(() => client.db('ficus').command({ ping: 1 }));
  const answers = () => vi.waitFor(ask, { timeout: 15_000, interval: 50 });
  try {
    await expect(ask()).rejects.toMatchObject({ code: 'mongo_unavailable', retryable: true });
    gate.open();
    expect(await answers()).toMatchObject({ ok: 1 });
    gate.shut();
    await expect(ask()).rejects.toMatchObject({ code: 'mongo_unavailable', retryable: true });
    gate.open();
    expect(await answers()).toMatchObject({ ok: 1 });
  } finally {
    await client.close();
  }
});

it('can be closed while it has never reached anything', async () => {
  gate.shut();
  const client = openMongo(url, 'test');
  await client.close();
  await expect(client.db('ficus').command({ ping: 1 })).rejects.toThrow();
});
