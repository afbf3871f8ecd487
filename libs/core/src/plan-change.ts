import type { Plan, RowMapping } from './plan.ts';

/** What rolling out a changed plan of a unit needs. */
export interface PlanChange {
  /** Changes that would give stored documents another identity or order; they need a unit of a new name. */
  readonly refused: readonly string[];
  /** Tables (`schema.table`) whose rows must be read again, since stored documents lack what the plan now wants. */
  readonly snapshot: readonly string[];
}

/** Compares the applied plan of a unit with the next one. */
export function planChange(applied: Plan, next: Plan): PlanChange {
  const fixed: readonly [string, unknown, unknown][] = [
    ['mode', applied.mode, next.mode],
    ['legacy.system', applied.system, next.system],
    ['legacy.table', applied.root.table, next.root.table],
    ['legacy.key', applied.root.key, next.root.key],
    ['legacy.version', applied.version, next.version],
    ['topic', applied.topic, next.topic],
    ['collection', applied.collection, next.collection],
  ];
  const refused = fixed.filter(([, a, b]) => !same(a, b)).map(([member]) => member);
  const snapshot: string[] = [];
  if (!same(content(applied.root), content(next.root))) snapshot.push(next.root.table);
  for (const embed of next.embeds) {
    const known = applied.embeds.find((one) => one.path === embed.path);
    if (known === undefined || !same(content(known), content(embed))) snapshot.push(embed.table);
    if (known === undefined) continue;
    for (const member of ['table', 'topic', 'key', 'parentKey', 'cardinality'] as const)
      if (!same(known[member], embed[member])) refused.push(`embed.${embed.path}.${member}`);
  }
  return { refused, snapshot };
}

/** Every unit and plan that claims the same collection or table twice, as one line each. */
export function planClashes(plans: readonly Plan[]): readonly string[] {
  const claims = plans.flatMap((plan) => [
    { unit: plan.unit, what: `collection ${plan.collection}` },
    ...[plan.root, ...plan.embeds].map((one) => ({
      unit: plan.unit,
      what: `table ${plan.system}/${one.table}`,
    })),
  ]);
  return [...Map.groupBy(claims, ({ what }) => what)].flatMap(([what, claimed]) =>
    claimed.length > 1 ? [`${what} is claimed by ${claimed.map(({ unit }) => unit).join(' and ')}`] : [],
  );
}

/** What decides the stored content of a mapping's rows; who may write a field does not. */
function content(mapping: RowMapping): unknown {
  return mapping.fields.map(({ path, column, type }) => ({ path, column, type }));
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
