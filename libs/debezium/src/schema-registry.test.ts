import { describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import { type AvroSchema, avroSchema } from './avro.ts';
import type { SchemaReference } from './schema-reference.ts';
import { CachedSchemas } from './schema-registry.ts';

const SCHEMA = avroSchema('{"type":"record","name":"R","fields":[]}');
const id = (number: number): SchemaReference => ({ kind: 'id', id: number });

/** A source that answers by what it is told to, and counts. */
class Source {
  readonly asked: SchemaReference[] = [];
  answer: () => Promise<AvroSchema> = async () => SCHEMA;

  find(reference: SchemaReference): Promise<AvroSchema> {
    this.asked.push(reference);
    return this.answer();
  }
}

describe('CachedSchemas', () => {
  it('asks once for each schema, whoever needs it at the same time or later', async () => {
    const source = new Source();
    const sut = new CachedSchemas(source);
    await Promise.all([sut.prepare([id(1), id(2), id(1)]), sut.prepare([id(2)])]);
    await sut.prepare([id(1)]);
    expect(source.asked).toEqual([id(1), id(2)]);
    expect(sut.get(id(2))).toBe(SCHEMA);
  });

  it('fails as long as the registry is away, and asks again', async () => {
    const source = new Source();
    const sut = new CachedSchemas(source);
    source.answer = async () => {
      throw new FicusError('registry_unavailable', 'away', { retryable: true });
    };
    await expect(sut.prepare([id(1)])).rejects.toMatchObject({
      code: 'registry_unavailable',
      retryable: true,
    });
    source.answer = async () => SCHEMA;
    await sut.prepare([id(1)]);
    expect(sut.get(id(1))).toBe(SCHEMA);
  });

  it('takes a schema of another format for a fault of its records, not of the batch', async () => {
    const source = new Source();
    const sut = new CachedSchemas(source);
    source.answer = async () => {
      throw new FicusError('event_unparsable', 'of another format than Avro');
    };
    await sut.prepare([id(1)]);
    await sut.prepare([id(1)]);
    expect(source.asked).toHaveLength(1);
    expect(() => sut.get(id(1))).toThrow(/another format/);
  });
});
