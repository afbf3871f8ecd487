import { userInfo } from 'node:os';
import type { Kafka } from 'kafkajs';
import type { Db } from 'mongodb';
import type { LegacySystem, Systems } from '#config/systems';
import { unboundedSlots } from '#core/capture';
import { FicusError } from '#core/errors';
import { type Plan, tablesOf, topicsOf } from '#core/plan';
import { checkAgainstCatalogue } from '#core/plan-catalogue';
import { planClashes } from '#core/plan-change';
import type { CatalogueTable } from '#core/ports/catalogue';
import { connectorTopics, controlTables, MAX_RECORD_BYTES } from '#debezium/connector-config';
import { DEAD_LETTER_TOPIC } from '#kafka/dead-letter-topic';
import { ensureTopics } from '#kafka/topics';
import { openCatalogue, openSlot } from '#legacy/open';
import { captureFaults } from '#legacy/postgres/capture-account';
import { type Account, missingGrants } from '#legacy/postgres/grants';
import { ensurePublication } from '#legacy/postgres/publication';
import type { Control } from '#mongo/control/control';
import { ensureCollection, relaxCollection } from '#mongo/documents/schema';
import { systemClock } from '#observability/clock';

export interface ApplyParts {
  readonly systems: Systems;
  readonly kafka: Kafka;
  readonly documents: Db;
  readonly control: Control;
  readonly say: (text: string) => void;
}

export interface NamedPlan {
  readonly plan: Plan;
  /** The file's text, kept with the applied plan. */
  readonly text: string;
}

/** Partitions of a unit's topics: the most replicators that can share one unit. */
const PARTITIONS = 4;
/** Heartbeats, signals and notifications are of no use for longer. */
const SHORT = { 'retention.ms': '3600000', 'segment.ms': '3600000' };
/** Events must outlive every rollback window; a week, until the plan can say. */
const LONG = { 'retention.ms': '604800000', 'max.message.bytes': String(MAX_RECORD_BYTES) };
/** Dead letters are kept, each with its record. */
const KEPT = { 'retention.ms': '-1', 'max.message.bytes': String(MAX_RECORD_BYTES) };

/**
 * Rolls plans out on the running estate: collection, topics, publication, and last the plan itself, which the apps
 * pick up by themselves. Idempotent; whatever fails leaves only harmless things behind and can be run again.
 * @throws FicusError `plan_invalid` when a plan contradicts its legacy database; nothing is changed then.
 */
export async function applyPlans(plans: readonly NamedPlan[], parts: ApplyParts): Promise<void> {
  await checkEstate(
    plans.map(({ plan }) => plan),
    parts.control,
  );
  for (const [name, own] of Map.groupBy(plans, ({ plan }) => plan.system))
    await checkLive(
      name,
      own.map(({ plan }) => plan),
      parts,
    );
  for (const [name, own] of Map.groupBy(plans, ({ plan }) => plan.system))
    await applyToSystem(name, own, parts);
}

/** Against the units that are applied already, which stand in other files, perhaps in another repository. */
async function checkEstate(plans: readonly Plan[], control: Control): Promise<void> {
  const applied = (await control.units.readAll()).map((unit) => unit.plan);
  const others = applied.filter((known) => !plans.some((plan) => plan.unit === known.unit));
  const faults = [...planClashes([...others, ...plans])];
  for (const plan of plans) faults.push(...(await control.plans.refusals(plan)));
  if (faults.length > 0) throw new FicusError('plan_invalid', faults.join('\n'));
}

async function checkLive(name: string, plans: readonly Plan[], parts: ApplyParts): Promise<void> {
  const catalogue = openCatalogue(name, systemOf(name, parts.systems), systemClock);
  try {
    const faults: string[] = [];
    for (const plan of plans) {
      const tables = new Map<string, CatalogueTable>();
      for (const table of tablesOf(plan)) tables.set(table, await catalogue.describe(table));
      for (const fault of checkAgainstCatalogue(plan, tables))
        faults.push(`${fault.unit}: ${fault.table}: ${fault.message}`);
      for (const grant of await lacking(systemOf(name, parts.systems), plan))
        faults.push(`${plan.unit}: an account of ${name} lacks rights on its tables: ${grant}`);
      for (const fault of await unsound(systemOf(name, parts.systems), plan))
        faults.push(`${plan.unit}: ${fault}`);
    }
    if (faults.length > 0) throw new FicusError('plan_invalid', faults.join('\n'));
  } finally {
    await catalogue.close();
  }
  await warnOfSlot(name, systemOf(name, parts.systems), parts.say);
}

/** What an unbounded slot may do to the source is no fault of a plan. */
async function warnOfSlot(name: string, system: LegacySystem, say: (text: string) => void): Promise<void> {
  const slot = openSlot(name, system);
  if (slot === null) return;
  try {
    const reading = await slot.read();
    if (reading.limitBytes === null) say(`${name}: warning: ${unboundedSlots(reading.name)}`);
  } finally {
    await slot.close();
  }
}

/** Statements that give the accounts of a system what the unit needs; on Db2 only the server knows, and it says so. */
async function lacking(system: LegacySystem, plan: Plan): Promise<readonly string[]> {
  if (system.kind !== 'postgres') return [];
  const writes = plan.mode === 'R' ? [] : (['INSERT', 'UPDATE', 'DELETE'] as const);
  const accounts: readonly Account[] = [
    { name: decodeURIComponent(new URL(system.url).username), privileges: ['SELECT', ...writes] },
    { name: system.capture.database.user, privileges: ['SELECT'] },
  ];
  const tables = tablesOf(plan);
  const missing = await Promise.all(accounts.map((account) => missingGrants(system.url, account, tables)));
  return missing.flat();
}

/** What of the connector's account would change or hide rows. */
async function unsound(system: LegacySystem, plan: Plan): Promise<readonly string[]> {
  if (system.kind !== 'postgres') return [];
  return await captureFaults(system.url, system.capture.database.user, tablesOf(plan));
}

async function applyToSystem(name: string, plans: readonly NamedPlan[], parts: ApplyParts): Promise<void> {
  const system = systemOf(name, parts.systems);
  await makeTopics(
    system,
    plans.map(({ plan }) => plan),
    parts,
  );
  if (system.kind === 'postgres') {
    const { heartbeat, signal } = controlTables(system.kind);
    const tables = [...plans.flatMap(({ plan }) => tablesOf(plan)), heartbeat, signal];
    await ensurePublication(system.adminUrl ?? system.url, system.capture.publication, tables);
  }
  for (const named of plans) await applyOne(named, parts);
}

/**
 * Replicators still write by the old plan until they have read the new one: the collection's schema is taken off
 * first and put on last, so that neither refuses the other's documents meanwhile. The fence stays all along.
 */
async function applyOne({ plan, text }: NamedPlan, { control, documents, say }: ApplyParts): Promise<void> {
  const unit = await control.units.read(plan.unit);
  const term = unit?.state.term ?? 1;
  await relaxCollection(documents, plan, term);
  const applied = await control.plans.put(plan, text, userInfo().username);
  for (const table of applied.snapshot) say(`${plan.unit}: ${table} is read again`);
  await ensureCollection(documents, plan, term);
  say(`${plan.unit}: version ${applied.version} ${applied.changed ? 'applied' : 'was applied already'}`);
}

async function makeTopics(system: LegacySystem, plans: readonly Plan[], parts: ApplyParts): Promise<void> {
  const { topicPrefix } = system.capture;
  const control = connectorTopics(system.kind, topicPrefix);
  const specs = [
    ...plans
      .flatMap((plan) => topicsOf(plan))
      .map((topic) => ({ topic, partitions: PARTITIONS, config: LONG })),
    ...control.map((topic) => ({ topic, partitions: 1, config: SHORT })),
    { topic: DEAD_LETTER_TOPIC, partitions: 1, config: KEPT },
  ];
  const made = await ensureTopics(parts.kafka, specs, { clock: systemClock });
  for (const topic of plans.flatMap((plan) => topicsOf(plan)))
    await checkPartitions(topic, made.get(topic) ?? 0, parts.control);
}

/** More partitions would send a key's events to another one, where their offsets order nothing. */
async function checkPartitions(topic: string, partitions: number, control: Control): Promise<void> {
  const known = await control.topics.register(topic, partitions);
  if (known.partitions === partitions) return;
  throw new FicusError(
    'log_replaced',
    `topic ${topic} has ${partitions} partitions but had ${known.partitions} when its unit was applied; offsets no longer order a key's events, until a new epoch is ordered (system resnapshot --new-epoch)`,
  );
}

function systemOf(name: string, systems: Systems): LegacySystem {
  const system = systems[name];
  if (system === undefined)
    throw new FicusError(
      'plan_invalid',
      `no legacy system ${name}; systems.yaml names ${Object.keys(systems).join(', ')}`,
    );
  return system;
}
