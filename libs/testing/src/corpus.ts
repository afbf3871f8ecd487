import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FicusError } from '#core/errors';
import { type AvroSchema, avroSchema } from '#debezium/avro';
import type { LogRecord } from '#debezium/log-record';
import { referenceText, type SchemaReference } from '#debezium/schema-reference';
import type { SchemaSource } from '#debezium/schema-registry';

/** Records of live connectors, see the README there. */
const CORPUS = join(import.meta.dirname, '../../../test/corpus');

/** A recorded record, with when Kafka got it. */
export interface Recorded extends LogRecord {
  readonly timestamp: number;
}

export function topicsOf(variant: string): readonly string[] {
  const files = readdirSync(join(CORPUS, variant)).filter((name) => name.endsWith('.jsonl'));
  return files.map((name) => name.slice(0, -'.jsonl'.length));
}

export function recorded(variant: string, topic: string): readonly Recorded[] {
  const lines = readFileSync(join(CORPUS, variant, `${topic}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => {
    const { topic: name, partition, offset, timestamp, keyBase64, valueBase64, headers } = JSON.parse(line);
    const bytes = (text: string | null): Buffer | null =>
      text === null ? null : Buffer.from(text, 'base64');
    return {
      topic: name,
      partition,
      offset: BigInt(offset),
      timestamp: Number(timestamp),
      key: bytes(keyBase64),
      value: bytes(valueBase64),
      headers: Object.fromEntries(
        Object.entries(headers as Record<string, string>).map(([header, text]) => [
          header,
          Buffer.from(text, 'base64'),
        ]),
      ),
    };
  });
}

/** The table's rows at the end, as PostgreSQL prints them. */
export function truth(table: string): readonly Readonly<Record<string, string | null>>[] {
  return JSON.parse(readFileSync(join(CORPUS, 'truth', `${table}.json`), 'utf8')).rows;
}

/** The schemas of the variant `avro`, which its registry had; it counts what it is asked for. */
export class RecordedSchemas implements SchemaSource {
  readonly asked: string[] = [];

  async find(reference: SchemaReference): Promise<AvroSchema> {
    const name = referenceText(reference);
    this.asked.push(name);
    return avroSchema(textOf(name));
  }
}

function textOf(id: string): string {
  try {
    return readFileSync(join(CORPUS, 'avro/schemas', `${id}.json`), 'utf8');
  } catch (cause) {
    throw new FicusError('registry_unavailable', `schema ${id} is not known`, { cause, retryable: true });
  }
}
