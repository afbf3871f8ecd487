import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';
import { FicusError, reasonOf } from '#core/errors';
import { AVRO_OPTIONS, type AvroSchema, avroSchema, describe } from './avro.ts';
import { referenceText, type SchemaReference } from './schema-reference.ts';

/** Where the Avro schemas of records come from. */
export interface SchemaSource {
  /**
   * @throws FicusError `registry_unavailable` (retryable) when there is no answer, or the schema is not known yet: it
   * may be written after the record that needs it. `event_unparsable` when it is no Avro schema.
   */
  find(reference: SchemaReference): Promise<AvroSchema>;
}

const TIMEOUT_MS = 5_000;

/** A registry that speaks Confluent's protocol: Confluent's own, or Apicurio's under `/apis/ccompat/v7`. */
export class ConfluentRegistry implements SchemaSource {
  readonly #address: string;
  readonly #authorization: Readonly<Record<string, string>>;
  readonly #client: SchemaRegistry;

  /** @param address with user and password in it where the registry asks for them. */
  constructor(address: string) {
    const url = new URL(address);
    const auth = { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
    url.username = '';
    url.password = '';
    this.#address = url.href.replace(/\/$/, '');
    const basic = Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
    this.#authorization = auth.username === '' ? {} : { authorization: `Basic ${basic}` };
    this.#client = new SchemaRegistry(
      {
        host: this.#address,
        clientId: 'ficus',
        ...(auth.username === '' ? {} : { auth }),
        // The leg tries again by itself, and says so.
        retry: { retries: 1, maxRetryTimeInSecs: 1 },
        middlewares: [
          () => ({ prepareRequest: async (next) => (await next()).enhance({ timeout: TIMEOUT_MS }) }),
        ],
      },
      { [SchemaType.AVRO]: AVRO_OPTIONS },
    );
  }

  async find(reference: SchemaReference): Promise<AvroSchema> {
    try {
      return reference.kind === 'id' ? await this.#byId(reference.id) : await this.#byGuid(reference.guid);
    } catch (cause) {
      if (cause instanceof FicusError) throw cause;
      throw new FicusError(
        'registry_unavailable',
        `schema ${referenceText(reference)} cannot be had of the registry at ${this.#address}: ${reasonOf(cause)}`,
        { cause, retryable: true },
      );
    }
  }

  async #byId(id: number): Promise<AvroSchema> {
    const found: unknown = await this.#client.getSchema(id);
    if (found instanceof avro.Type) return describe(found);
    throw new FicusError('event_unparsable', `schema ${id} of the registry is of another format than Avro`);
  }

  /** Not in the client: newer registries only. */
  async #byGuid(guid: string): Promise<AvroSchema> {
    const reply = await fetch(`${this.#address}/schemas/guids/${guid}`, {
      headers: this.#authorization,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!reply.ok) throw new Error(`${reply.status} ${await reply.text()}`);
    const answer: unknown = await reply.json();
    if (
      typeof answer === 'object' &&
      answer !== null &&
      'schema' in answer &&
      typeof answer.schema === 'string'
    )
      return avroSchema(answer.schema);
    throw new FicusError('event_unparsable', `the registry has no schema in its answer for ${guid}`);
  }
}

/** Keeps what was found, asks once for what several need at a time, and forgets failures. */
export class CachedSchemas {
  readonly #source: SchemaSource;
  readonly #known = new Map<string, AvroSchema | FicusError>();
  readonly #asked = new Map<string, Promise<void>>();

  constructor(source: SchemaSource) {
    this.#source = source;
  }

  /** Makes the schemas ready. @throws FicusError retryable when one cannot be had now. */
  async prepare(references: Iterable<SchemaReference>): Promise<void> {
    const missing = new Map<string, SchemaReference>();
    for (const reference of references) {
      const text = referenceText(reference);
      if (!this.#known.has(text)) missing.set(text, reference);
    }
    await Promise.all([...missing].map(([text, reference]) => this.#ask(text, reference)));
  }

  /** @throws FicusError `event_unparsable` for what is no Avro schema. */
  get(reference: SchemaReference): AvroSchema {
    const found = this.#known.get(referenceText(reference));
    if (found === undefined) throw new Error('broken assumption: a batch is prepared before it is decoded');
    if (found instanceof FicusError) throw found;
    return found;
  }

  #ask(text: string, reference: SchemaReference): Promise<void> {
    const asked = this.#asked.get(text) ?? this.#fetch(text, reference);
    this.#asked.set(text, asked);
    return asked;
  }

  async #fetch(text: string, reference: SchemaReference): Promise<void> {
    try {
      this.#known.set(text, await this.#source.find(reference));
    } catch (error) {
      // A schema of another format stays one: its records are faulty, the batch is not.
      if (!(error instanceof FicusError) || error.retryable) throw error;
      this.#known.set(text, error);
    } finally {
      this.#asked.delete(text);
    }
  }
}
