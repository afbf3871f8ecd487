import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { addressOf } from '#testing/address';
import { TcpGate } from '#testing/tcp-gate';
import { CachedSchemas, ConfluentRegistry } from './schema-registry.ts';

const address = addressOf('TEST_REGISTRY_URL');
const unavailable = { code: 'registry_unavailable', retryable: true };
const gates: TcpGate[] = [];

afterEach(async () => {
  await Promise.all(gates.splice(0).map((gate) => gate.close()));
});

/** A record with a name that no other test has, so that it gets an id of its own. */
function someSchema() {
  const name = `R${randomBytes(6).toString('hex')}`;
  const schema = { type: 'record', name, fields: [{ name: 'at', type: 'long', 'connect.name': 'x' }] };
  return { name, schema: JSON.stringify(schema) };
}

/** @returns the schema's id. */
async function register(subject: string, body: object): Promise<number> {
  const reply = await fetch(`${address}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify(body),
  });
  const answer: unknown = await reply.json();
  if (typeof answer === 'object' && answer !== null && 'id' in answer) return Number(answer.id);
  throw new Error(`the registry answered ${JSON.stringify(answer)}`);
}

async function gated(): Promise<{ gate: TcpGate; sut: ConfluentRegistry }> {
  const url = new URL(address);
  const gate = await TcpGate.before(url.hostname, Number(url.port));
  gates.push(gate);
  url.port = String(gate.port);
  return { gate, sut: new ConfluentRegistry(url.href) };
}

describe('ConfluentRegistry', () => {
  it('finds a schema that keeps 64-bit numbers whole', async () => {
    const { name, schema } = someSchema();
    const id = await register(name, { schema });
    const { type } = await new ConfluentRegistry(`${address}/`).find({ kind: 'id', id });
    const datum = { at: 9_223_372_036_854_775_807n };
    expect({ ...type.fromBuffer(type.toBuffer(datum)) }).toEqual(datum);
  });

  it('finds the schemas that it refers to', async () => {
    const part = someSchema();
    await register(part.name, { schema: part.schema });
    const whole = `W${part.name}`;
    const id = await register(whole, {
      schema: JSON.stringify({ type: 'record', name: whole, fields: [{ name: 'part', type: part.name }] }),
      references: [{ name: part.name, subject: part.name, version: 1 }],
    });
    const { type } = await new ConfluentRegistry(address).find({ kind: 'id', id });
    expect(type.toBuffer({ part: { at: 1n } })).toEqual(Buffer.from([2]));
  });

  it('does not know, or not yet, a schema that nobody has registered', async () => {
    const sut = new CachedSchemas(new ConfluentRegistry(address));
    await expect(sut.prepare([{ kind: 'id', id: 2_000_000_000 }])).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringMatching(`schema 2000000000 cannot be had of the registry at ${address}`),
    });
  });

  it('knows no schema by a GUID that was never given', async () => {
    const guid = 'f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f';
    await expect(new ConfluentRegistry(address).find({ kind: 'guid', guid })).rejects.toMatchObject(
      unavailable,
    );
  });

  it('tells a schema of another format from one that is not there', async () => {
    const { name } = someSchema();
    const schema = JSON.stringify({
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: name,
      type: 'object',
    });
    const id = await register(name, { schemaType: 'JSON', schema });
    await expect(new ConfluentRegistry(address).find({ kind: 'id', id })).rejects.toMatchObject({
      code: 'event_unparsable',
      retryable: false,
    });
  });

  it('fails while the registry is away, and not any more when it is back', async () => {
    const { gate, sut } = await gated();
    const { name, schema } = someSchema();
    const id = await register(name, { schema });
    gate.shut();
    await expect(sut.find({ kind: 'id', id })).rejects.toMatchObject(unavailable);
    gate.open();
    expect((await sut.find({ kind: 'id', id })).type.name).toBe(name);
  });

  it('says nothing of the password in its address', async () => {
    const url = new URL(address);
    url.username = 'reader';
    url.password = 'hidden';
    url.port = '1';
    const failed = new ConfluentRegistry(url.href).find({ kind: 'id', id: 1 });
    await expect(failed).rejects.toMatchObject({
      ...unavailable,
      message: expect.not.stringContaining('hidden'),
    });
  });
});
