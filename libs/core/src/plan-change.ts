import { keyFields, type Plan, type RowMapping } from './plan.ts';

/** What rolling out a changed plan of a unit needs. */
export interface PlanChange {
  /** Changes that would give stored documents another identity or order; they need a unit of a new name. */
  readonly refused: readonly string[];
  /** Tables (`schema.table`) whose rows must be read again, since stored documents lack what the plan now wants. */
  readonly snapshot: readonly string[];
}

/** What stood at a top-level path of a unit's documents under some plan: `value`, or `embed` of a certain table. */
export interface PathShape {
  readonly path: string;
  readonly shape: string;
}

/** The shapes of a plan's paths. */
export function pathShapes(plan: Plan): readonly PathShape[] {
  return [
    ...plan.root.fields.map(({ path }) => ({ path, shape: 'value' })),
    ...plan.embeds.map(({ path, table, parentKey, key, cardinality }) => ({
      path,
      shape: `embed ${JSON.stringify([table, parentKey, key, cardinality])}`,
    })),
  ];
}

/** All shapes that stored documents may have: those known with those of one more plan. */
export function joinShapes(known: readonly PathShape[], plan: Plan): readonly PathShape[] {
  const more = pathShapes(plan).filter(({ path }) => !known.some((one) => one.path === path));
  return [...known, ...more];
}

/**
 * Compares the applied plan of a unit with the next one.
 * @param shapes of every plan that the unit ever had: documents keep what a plan has let go.
 */
export function planChange(
  applied: Plan,
  next: Plan,
  shapes: readonly PathShape[] = pathShapes(applied),
): PlanChange {
  const fixed: readonly [string, unknown, unknown][] = [
    ['mode', applied.mode, next.mode],
    ['legacy.system', applied.system, next.system],
    ['legacy.table', applied.root.table, next.root.table],
    ['legacy.key', applied.root.key, next.root.key],
    ['the fields of legacy.key', identity(applied.root), identity(next.root)],
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
    if (same(known.key, embed.key) && !same(identity(known), identity(embed)))
      refused.push(`the fields of embed.${embed.path}.key`);
  }
  refused.push(...misshapen(shapes, next, refused));
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

/** Paths of a plan that stored documents have in another shape, as a value where the plan has an object, say. */
function misshapen(shapes: readonly PathShape[], next: Plan, known: readonly string[]): readonly string[] {
  return pathShapes(next).flatMap(({ path, shape }) => {
    const other = shapes.find(
      (one) =>
        (one.path === path && one.shape !== shape) ||
        one.path.startsWith(`${path}.`) ||
        path.startsWith(`${one.path}.`),
    );
    // An embed whose table or key has changed was named already.
    if (other === undefined || known.some((member) => member.startsWith(`embed.${path}.`))) return [];
    const was = other.shape === 'value' ? 'a value' : 'an embedded table';
    return [`the path ${path} (documents have ${was} at ${other.path})`];
  });
}

/** What a row is told apart by in a stored document; composite keys carry the names of their fields. */
function identity(mapping: RowMapping): unknown {
  return keyFields(mapping).map(({ path, type }) => ({ path, type }));
}

/** What decides the stored content of a mapping's rows; who may write a field does not. */
function content(mapping: RowMapping): unknown {
  return mapping.fields.map(({ path, column, type }) => ({ path, column, type }));
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
