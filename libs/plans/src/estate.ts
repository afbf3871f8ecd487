import type { Plan } from '#core/plan';
import type { Path, Section } from './section.ts';

/** What systems.yaml says that a plan must agree with. */
export type PlanSystems = Readonly<
  Record<string, { readonly kind: string; readonly capture?: { readonly topicPrefix: string } }>
>;

/** A plan with the file it was read from, for faults between files. */
export interface PlacedPlan {
  readonly plan: Plan;
  readonly section: Section;
}

/** Faults that only show between plans, or between a plan and the legacy systems it names. */
export function checkAmong(placed: readonly PlacedPlan[], systems: PlanSystems | null): void {
  unique(placed, 'unit', (plan) => [[['unit'], plan.unit]]);
  unique(placed, 'collection', (plan) => [[['collection'], plan.collection]]);
  unique(placed, 'table', (plan) => [
    [['legacy', 'table'], `${plan.system}/${plan.root.table}`],
    ...plan.embeds.map((embed): [Path, string] => [
      ['embed', embed.path, 'table'],
      `${plan.system}/${embed.table}`,
    ]),
  ]);
  if (systems === null) return;
  for (const { plan, section } of placed) {
    const system = systems[plan.system];
    checkTopics(plan, section, system?.capture?.topicPrefix);
    if (system?.kind === 'db2' && plan.version.kind === 'lsn' && plan.mode !== 'R') {
      section.fault(
        ['legacy', 'version'],
        "a lsn is PostgreSQL's; a writable Db2 unit needs { column: NAME }",
      );
    }
  }
}

/** A topic of another prefix is one that the system's connector never writes to. */
function checkTopics(plan: Plan, section: Section, prefix: string | undefined): void {
  if (prefix === undefined) return;
  const places: readonly (readonly [Path, string, string])[] = [
    [['topic'], plan.topic, plan.root.table],
    ...plan.embeds.map(({ path, topic, table }): [Path, string, string] => [
      ['embed', path, 'topic'],
      topic,
      table,
    ]),
  ];
  for (const [at, topic, table] of places) {
    // The topic of an embedded table that the plan does not name has the root's prefix, and its fault.
    if (topic !== `${prefix}.${table}` && section.raw(at) !== undefined)
      section.fault(at, `must be ${prefix}.${table}, by the topicPrefix of ${plan.system} in systems.yaml`);
  }
}

function unique(
  placed: readonly PlacedPlan[],
  what: string,
  of: (plan: Plan) => readonly (readonly [Path, string])[],
): void {
  const first = new Map<string, string>();
  for (const { plan, section } of placed) {
    for (const [path, value] of of(plan)) {
      const known = first.get(value);
      if (known !== undefined)
        section.fault(path, `${what} ${value.split('/').at(-1)} is taken already in ${known}`);
      else first.set(value, section.file);
    }
  }
}

/** Does the file name a legacy system that there is? */
export function checkSystem(section: Section, systems: Readonly<Record<string, unknown>>): void {
  const at = ['legacy', 'system'];
  const named = section.raw(at);
  if (typeof named !== 'string' || Object.hasOwn(systems, named)) return;
  section.fault(at, `no such system; systems.yaml names ${Object.keys(systems).join(', ') || 'none'}`);
}
