import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { SlotRules } from '#core/capture';
import { FicusError, reasonOf } from '#core/errors';

/** systems.yaml: the legacy databases, each under the name by which plans call it. */
const capture = {
  /** Address of Kafka Connect's REST interface. */
  connect: z.string().regex(/^https?:\/\//, 'an http:// address'),
  /** Name of the connector; one for each legacy system. */
  connector: z.string().min(1),
  /** Debezium's `topic.prefix`. */
  topicPrefix: z.string().regex(/^[A-Za-z0-9._-]+$/, 'letters, digits, dot, underscore, hyphen'),
  /** False: somebody else configures the connector; Ficus reads its configuration and never writes it. */
  managed: z.boolean().default(true),
  /** How a connector that Ficus configures writes records. */
  format: z.enum(['json', 'json-schema', 'avro']).default('json'),
  /** The schema registry of records in Avro. */
  registry: z
    .strictObject({
      /** Its Confluent interface, with user and password where it asks for them. */
      url: z.string().regex(/^https?:\/\//, 'an http:// address'),
      /** Whose converter Kafka Connect has. */
      converter: z.enum(['apicurio', 'confluent']).default('apicurio'),
      /** As that converter reaches it: Apicurio's takes Apicurio's own interface (`/apis/registry/v2`). */
      fromConnect: z
        .string()
        .regex(/^https?:\/\//, 'an http:// address')
        .optional(),
    })
    .optional(),
};

/** Who has Ficus write Avro has to say where to. */
const needsRegistry = [
  (given: {
    readonly managed: boolean;
    readonly format: string;
    readonly registry?: { readonly fromConnect?: string | undefined } | undefined;
  }) => !given.managed || given.format !== 'avro' || given.registry?.fromConnect !== undefined,
  { path: ['registry', 'fromConnect'], error: 'needed with format avro' },
] satisfies Parameters<z.ZodType<{ readonly managed: boolean; readonly format: string }>['refine']>;

const postgres = z.strictObject({
  kind: z.literal('postgres'),
  url: z.string().regex(/^postgres(ql)?:\/\//, 'a postgres:// address'),
  /** Owner's or administrator's address: only migrations and `plan apply` use it. */
  adminUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'a postgres:// address')
    .optional(),
  capture: z
    .strictObject({
      ...capture,
      slot: z.string().regex(/^[a-z0-9_]{1,63}$/, 'lower-case letters, digits and underscore'),
      publication: z.string().min(1),
      /** Of the slot, and so of all plans of the system: what is done once it is lost. */
      slotPolicy: z.enum(['hold', 'resnapshot']).default('hold'),
      /** Share of PostgreSQL's `max_slot_wal_keep_size` held back above which readiness says so. */
      slotAlarm: z.number().gt(0).lte(1).default(0.5),
      /** Bytes held back above which the slot of a connector that stands still is given up, before PostgreSQL does. */
      slotLimit: z.number().int().positive().optional(),
      /** The database as Kafka Connect reaches it. */
      database: z.strictObject({
        hostname: z.string().min(1),
        port: z.number().int(),
        user: z.string().min(1),
        password: z.string(),
        dbname: z.string().min(1),
      }),
    })
    .refine(...needsRegistry)
    .refine(({ slotPolicy, managed }) => slotPolicy === 'hold' || managed, {
      path: ['slotPolicy'],
      error: 'Ficus cannot restart a connector that somebody else configures (managed: false); legal is hold',
    })
    .refine(({ slotPolicy, slotLimit }) => slotPolicy === 'resnapshot' || slotLimit === undefined, {
      path: ['slotLimit'],
      error: 'with slotPolicy hold nothing is given up; legal is no slotLimit, or slotPolicy resnapshot',
    }),
});

const db2 = z.strictObject({
  kind: z.literal('db2'),
  /** ibm_db's connection string. */
  url: z.string().regex(/DATABASE=/i, 'an ibm_db connection string with DATABASE='),
  capture: z.strictObject(capture).refine(...needsRegistry),
});

const schema = z.strictObject({
  systems: z.record(z.string(), z.discriminatedUnion('kind', [postgres, db2])),
});

export type PostgresSystem = z.infer<typeof postgres>;
export type Db2System = z.infer<typeof db2>;
export type LegacySystem = PostgresSystem | Db2System;
/** What a system's settings say of its slot; of a system that has none they say nothing. */
export function slotRules({ capture }: LegacySystem): SlotRules {
  if (!('slot' in capture)) return { alarmShare: 1, policy: 'hold', limitBytes: null };
  const { slotPolicy, slotAlarm, slotLimit } = capture;
  return { alarmShare: slotAlarm, policy: slotPolicy, limitBytes: slotLimit ?? null };
}

export type Systems = Readonly<Record<string, LegacySystem>>;

/**
 * Reads systems.yaml. `${NAME}` stands for an environment variable, so that secrets need not be in the file.
 * @throws FicusError `setting_invalid` naming the file, each faulty member and what is legal.
 */
export function readSystems(path: string, source: NodeJS.ProcessEnv = process.env): Systems {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FicusError(
      'setting_invalid',
      `FICUS_SYSTEMS names "${path}", which cannot be read: ${reasonOf(cause)}`,
      { cause },
    );
  }
  return parseSystems(text, path, source);
}

export function parseSystems(text: string, path: string, source: NodeJS.ProcessEnv): Systems {
  const parsed = schema.safeParse(filled(read(text, path), path, source));
  if (parsed.success) return parsed.data.systems;
  const faults = parsed.error.issues.map((issue) => ({
    pointer: `/${issue.path.join('/')}`,
    message: `${path}: ${issue.path.join('.')}: ${issue.message}`,
  }));
  throw new FicusError('setting_invalid', faults.map((fault) => fault.message).join('\n'), { faults });
}

function read(text: string, path: string): unknown {
  try {
    return parse(text, { prettyErrors: false });
  } catch (cause) {
    // Not the source beside the fault: it may hold a password.
    throw new FicusError('setting_invalid', `${path} (FICUS_SYSTEMS) is no YAML: ${reasonOf(cause)}`);
  }
}

/** Puts variables into the values once they are read, so that a secret may hold whatever YAML gives a meaning. */
function filled(value: unknown, path: string, source: NodeJS.ProcessEnv): unknown {
  if (typeof value === 'string')
    return value.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
      const found = source[name];
      if (found === undefined)
        throw new FicusError('setting_invalid', `${path}: \${${name}} is not set in the environment`);
      return found;
    });
  if (Array.isArray(value)) return value.map((one) => filled(one, path, source));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, filled(member, path, source)]),
  );
}
