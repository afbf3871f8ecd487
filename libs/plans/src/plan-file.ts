import { CronExpressionParser } from 'cron-parser';
import { type Document, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { reasonOf } from '#core/errors';
import type { Embed, Field, Plan, VersionSource } from '#core/plan';
import { isReserved, MODES, REPAIR_POLICIES, UNIT_NAME, UNIT_NAME_RULE } from '#core/plan';
import { checkAmong, checkSystem, type PlacedPlan, type PlanSystems } from './estate.ts';
import { readFields } from './field-file.ts';
import { keyTypeFault } from './key-type.ts';
import { type Path, type PlanFault, Section } from './section.ts';

export type { PlanFault } from './section.ts';

export interface PlanFile {
  readonly file: string;
  readonly text: string;
}

export interface ParsedPlans {
  /** Plans without a fault of their own, in the order of the files. */
  readonly plans: readonly Plan[];
  /** All faults of all files together, by file and line. */
  readonly faults: readonly PlanFault[];
}

const MEMBERS = [
  'unit',
  'owner',
  'description',
  'mode',
  'legacy',
  'topic',
  'collection',
  'fields',
  'ignore',
  'embed',
  'truncate',
  'reconcile',
  'levels',
  'legacyWriters',
  'emergency',
];
const text = z.string().min(1, 'must not be empty');
const table = z.string().regex(/^[^.]+\.[^.]+$/, 'must be schema.table');
const columns = z.array(text).min(1, 'must name at least one column');
const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, 'must be a whole number and a unit: ms, s, m, h or d')
  .transform((value) => Number.parseInt(value, 10) * (UNITS[value.replace(/\d+/, '')] ?? 1))
  .refine((ms) => ms > 0 && Number.isSafeInteger(ms), 'must be more than nothing, and less than for ever');
const MILLIONTHS = 'must be from 0 to 1000000 rows of a million';
const SHARE = 'must be from 0 to 1, a share of the last 1,000 records';
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const cron = z
  .string()
  .regex(/^(\S+ ){4}\S+$/, { error: 'must be a cron expression of five fields', abort: true })
  .superRefine((expression, context) => {
    try {
      CronExpressionParser.parse(expression, { tz: 'UTC' });
    } catch (error) {
      context.addIssue({ code: 'custom', message: `is no cron expression: ${reasonOf(error)}` });
    }
  })
  .nullable();

/**
 * Parses and checks plan files. @param systems the named legacy systems; when given, plans are checked against them
 * too.
 */
export function parsePlans(files: readonly PlanFile[], systems: PlanSystems | null = null): ParsedPlans {
  const placed: PlacedPlan[] = [];
  const sections: Section[] = [];
  const faults: PlanFault[] = [];
  for (const { file, text: source } of files) {
    // The replacement character stands for bytes that are no UTF-8.
    if (/[\0\ufffd]/.test(source)) {
      faults.push({ file, line: 1, pointer: '', value: '', message: 'is no text; legal is YAML in UTF-8' });
      continue;
    }
    const lines = new LineCounter();
    // Names that stand twice are looked for below: the parser compares each with each.
    const document = parseDocument(source, { lineCounter: lines, uniqueKeys: false });
    const broken = yamlFaults(file, document, lines);
    faults.push(...broken);
    const section = open(file, document, lines, broken.length > 0 ? null : faults);
    if (section === null) continue;
    sections.push(section);
    const plan = readPlan(section);
    if (systems !== null) checkSystem(section, systems);
    if (plan !== null) placed.push({ plan, section });
  }
  checkAmong(placed, systems);
  for (const section of sections) faults.push(...section.faults);
  faults.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  const faulty = new Set(faults.map((fault) => fault.file));
  const plans = placed.filter(({ section }) => !faulty.has(section.file)).map(({ plan }) => plan);
  return { plans, faults };
}

/** What keeps a file from being one YAML document. */
function yamlFaults(file: string, document: Document.Parsed, lines: LineCounter): readonly PlanFault[] {
  const fault = (line: number, value: string, message: string): PlanFault => ({
    ...{ file, line, pointer: '', value, message },
  });
  const found = document.errors.map(({ code, message, linePos }) => {
    const line = linePos?.[0].line ?? 1;
    return code === 'MULTIPLE_DOCS'
      ? fault(line, '---', 'a second document begins here; legal is one plan a file')
      : fault(line, '', message.split('\n')[0] ?? message);
  });
  visit(document, {
    Map: (_, { items }) => {
      const names = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        const { line } = lines.linePos(key.range?.[0] ?? 0);
        if (names.has(name))
          found.push(fault(line, JSON.stringify(name), 'stands twice; names must be unique'));
        names.add(name);
      }
    },
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return;
      const { line } = lines.linePos(alias.range?.[0] ?? 0);
      found.push(fault(line, `*${alias.source}`, `no anchor &${alias.source} stands before this alias`));
    },
  });
  return found;
}

/** @param faults takes the reason why the values cannot be had; null: it is known. */
function open(
  file: string,
  document: Document.Parsed,
  lines: LineCounter,
  faults: PlanFault[] | null,
): Section | null {
  try {
    return new Section(file, document, lines);
  } catch (error) {
    faults?.push({ file, line: 1, pointer: '', value: '', message: reasonOf(error) });
    return null;
  }
}

function readPlan(section: Section): Plan | null {
  if (section.names([]).length === 0) {
    section.fault([], `must be a mapping with the members ${MEMBERS.slice(0, 8).join(', ')}`);
    return null;
  }
  section.only([], MEMBERS);
  section.only(['legacy'], ['system', 'table', 'key', 'version']);
  const unit = section.read(['unit'], z.string().regex(UNIT_NAME, `must be ${UNIT_NAME_RULE}`));
  const owner = section.read(['owner'], text);
  const description = section.read(['description'], z.string().default(''));
  const mode = section.read(['mode'], z.enum(MODES));
  const system = section.read(['legacy', 'system'], text);
  const rootTable = section.read(['legacy', 'table'], table);
  const key = section.read(['legacy', 'key'], columns);
  const version = readVersion(section);
  const topic = section.read(['topic'], topicName);
  const collection = section.read(
    ['collection'],
    z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_.-]*$/, 'must be letters, digits, dot, underscore and hyphen')
      .refine((name) => !name.startsWith('system.'), 'must not begin with system.'),
  );
  const ignore = section.read(['ignore'], z.array(text).default([])) ?? [];
  const fields = readFields(section, ['fields']);
  const embeds = readEmbeds(section, rootTable, topic, key);
  const reconcile = readReconcile(section);
  const levels = readLevels(section);
  const truncate = section.read(['truncate'], z.enum(['hold', 'apply']).default('hold')) ?? 'hold';
  section.read(['legacyWriters'], z.enum(['revoke', 'capture']).default('revoke'));
  if (section.read(['emergency'], z.enum(['none', 'lease']).default('none')) === 'lease') {
    section.fault(['emergency'], 'the lease is not built yet; legal is none');
  }
  checkTopic(section, ['topic'], topic, rootTable);
  checkKey(section, ['legacy', 'key'], key, fields, []);
  checkIgnored(section, ['ignore'], ignore, fields);
  checkVersion(section, version, fields);
  for (const embed of embeds) {
    if (fields.some((field) => field.segments[0] === embed.path))
      section.fault(['embed', embed.path], 'a field has this name already');
  }
  if (
    unit === undefined ||
    owner === undefined ||
    mode === undefined ||
    system === undefined ||
    rootTable === undefined ||
    key === undefined ||
    version === undefined ||
    topic === undefined ||
    collection === undefined
  ) {
    return null;
  }
  const owned =
    version.kind === 'column'
      ? fields.map((field) => (field.column === version.column ? { ...field, readOnly: true } : field))
      : fields;
  const root = { table: rootTable, key, fields: owned, ignore };
  return {
    unit,
    owner,
    description: description ?? '',
    mode,
    system,
    version,
    topic,
    collection,
    root,
    embeds,
    truncate,
    reconcile,
    levels,
  };
}

const topicName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,249}$/, 'must be a Kafka topic name: letters, digits, dot, underscore, hyphen');

function readVersion(section: Section): VersionSource | undefined {
  const raw = section.raw(['legacy', 'version']);
  if (raw === 'none') {
    section.fault(
      ['legacy', 'version'],
      'a unit without any version is not built yet; legal are lsn and { column: NAME }',
    );
    return undefined;
  }
  if (raw === 'lsn') return { kind: 'lsn' };
  const parsed = section.read(
    ['legacy', 'version'],
    z.strictObject({ column: text }, 'must be lsn or { column: NAME }'),
  );
  return parsed === undefined ? undefined : { kind: 'column', column: parsed.column };
}

function readEmbeds(
  section: Section,
  rootTable: string | undefined,
  rootTopic: string | undefined,
  rootKey: readonly string[] | undefined,
): readonly Embed[] {
  section.mapping(['embed']);
  return section.names(['embed']).flatMap((path) => {
    const at: Path = ['embed', path];
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(path))
      section.fault(at, 'the name of an embedded table is made of letters, digits and underscores');
    if (isReserved(path))
      section.fault(at, 'a name that every object has by itself (such as constructor) is reserved');
    section.only(at, ['table', 'topic', 'parentKey', 'key', 'cardinality', 'fields', 'ignore']);
    const child = section.read([...at, 'table'], table);
    const parentKey = section.read([...at, 'parentKey'], columns);
    const key = section.read([...at, 'key'], columns);
    const given = section.read([...at, 'topic'], topicName.optional());
    const cardinality =
      section.read([...at, 'cardinality'], z.enum(['many', 'one']).default('many')) ?? 'many';
    const ignore = section.read([...at, 'ignore'], z.array(text).default([])) ?? [];
    const fields = readFields(section, [...at, 'fields']);
    checkKey(section, [...at, 'key'], key, fields, parentKey ?? []);
    checkTwice(section, [...at, 'parentKey'], parentKey ?? []);
    checkIgnored(section, [...at, 'ignore'], ignore, fields);
    if (parentKey !== undefined && rootKey !== undefined && parentKey.length !== rootKey.length) {
      section.fault(
        [...at, 'parentKey'],
        `must name ${rootKey.length} column(s), one for each of legacy.key: ${rootKey.join(', ')}`,
      );
    }
    const prefix =
      rootTopic !== undefined && rootTable !== undefined && rootTopic.endsWith(`.${rootTable}`)
        ? rootTopic.slice(0, -rootTable.length)
        : null;
    const topic = given ?? (prefix !== null && child !== undefined ? prefix + child : undefined);
    checkTopic(section, [...at, 'topic'], given, child);
    if (child === undefined || parentKey === undefined || key === undefined || topic === undefined) return [];
    return [{ path, table: child, topic, parentKey, key, cardinality, fields, ignore }];
  });
}

function readReconcile(section: Section): Plan['reconcile'] {
  section.only(['reconcile'], ['schedule', 'maxRowsPerSecond', 'repair', 'allowEmpty']);
  const repair = section.read(['reconcile', 'repair'], z.enum(REPAIR_POLICIES).default('log-only'));
  if (repair !== undefined && repair !== 'log-only')
    section.fault(['reconcile', 'repair'], 'repair is not built yet; legal is log-only');
  return {
    schedule: section.read(['reconcile', 'schedule'], cron.default(null)) ?? null,
    maxRowsPerSecond:
      section.read(
        ['reconcile', 'maxRowsPerSecond'],
        z.int().min(1, 'must be at least 1').nullable().default(null),
      ) ?? null,
    repair: repair ?? 'log-only',
    allowEmpty: section.read(['reconcile', 'allowEmpty'], z.boolean().default(false)) ?? false,
  };
}

function readLevels(section: Section): Plan['levels'] {
  section.only(['levels'], ['lag', 'driftPpm', 'verified', 'badShare']);
  return {
    lagMs: section.read(['levels', 'lag'], duration.prefault('5s')) ?? 5_000,
    driftPpm:
      section.read(
        ['levels', 'driftPpm'],
        z.number().min(0, MILLIONTHS).max(1_000_000, MILLIONTHS).default(0),
      ) ?? 0,
    verifiedMs: section.read(['levels', 'verified'], duration.prefault('24h')) ?? 86_400_000,
    badShare:
      section.read(['levels', 'badShare'], z.number().min(0, SHARE).max(1, SHARE).default(0.05)) ?? 0.05,
  };
}

function checkKey(
  section: Section,
  at: Path,
  key: readonly string[] | undefined,
  fields: readonly Field[],
  parentKey: readonly string[],
): void {
  checkTwice(section, at, key ?? []);
  for (const [index, column] of (key ?? []).entries()) {
    const field = fields.find((candidate) => candidate.column === column);
    if (key?.indexOf(column) !== index) continue;
    if (parentKey.includes(column))
      section.fault(
        [...at, index],
        `column ${column} is part of parentKey already; key names what tells children of one parent apart`,
      );
    else if (field === undefined)
      section.fault([...at, index], `key column ${column} must be mapped by a field`);
    else {
      const fault = keyTypeFault(field.type);
      if (fault !== null) section.fault([...at, index], fault);
    }
  }
}

function checkIgnored(section: Section, at: Path, ignore: readonly string[], fields: readonly Field[]): void {
  checkTwice(section, at, ignore);
  for (const [index, column] of ignore.entries()) {
    const field = fields.find((candidate) => candidate.column === column);
    if (field !== undefined)
      section.fault([...at, index], `column ${column} is mapped by ${field.path}, so it cannot be ignored`);
  }
}

function checkTwice(section: Section, at: Path, columns: readonly string[]): void {
  for (const [index, column] of columns.entries())
    if (columns.indexOf(column) !== index) section.fault([...at, index], `column ${column} is named twice`);
}

function checkVersion(section: Section, version: VersionSource | undefined, fields: readonly Field[]): void {
  if (version?.kind !== 'column') return;
  const field = fields.find((candidate) => candidate.column === version.column);
  const at = ['legacy', 'version', 'column'];
  if (field === undefined)
    section.fault(at, `version column ${version.column} must be mapped by a field of type long`);
  else if (field.type.kind !== 'long')
    section.fault(
      at,
      `version column ${version.column} is mapped as ${field.type.kind}; it must be long, drawn from one sequence`,
    );
}

function checkTopic(
  section: Section,
  at: Path,
  topic: string | undefined,
  ofTable: string | undefined,
): void {
  if (topic !== undefined && ofTable !== undefined && !topic.endsWith(`.${ofTable}`)) {
    section.fault(at, `must be PREFIX.${ofTable}, as Debezium names the topic of this table`);
  }
}
