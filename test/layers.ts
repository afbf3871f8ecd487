import { importsOf, isTest, parse, type SourceText } from './source.ts';

/**
 * The direction of imports. An area may import itself, the areas listed here, and packages; the core not even those.
 * Tests and `libs/testing` stand outside: they may import anything, and no source may import them.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'libs/core': [],
  'libs/config': ['libs/core'],
  'libs/observability': ['libs/core'],
  'libs/plans': ['libs/core'],
  'libs/debezium': ['libs/core'],
  'libs/kafka': ['libs/core', 'libs/debezium'],
  'libs/mongo': ['libs/core'],
  'libs/legacy': ['libs/core'],
  'libs/jobs': ['libs/core'],
};
const EVERY_LIB = Object.keys(MAY_IMPORT);

/** Single files that an area reaches for beyond its layer, each with the way it must be imported. */
const BEYOND: readonly { from: string; to: string; dynamic: boolean }[] = [
  { from: 'apps/admin', to: 'migrations/control/', dynamic: false },
  { from: 'apps/replicator', to: 'migrations/control/', dynamic: false },
  { from: 'apps/cli', to: 'migrations/', dynamic: false },
  { from: 'bench', to: 'apps/replicator/', dynamic: false },
  { from: 'apps/cli', to: 'sandbox/src/main.ts', dynamic: true },
];

/** `libs/core`, `apps/facade`, `sandbox`, `migrations`, `test`, `bench`. */
export function areaOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'libs' || first === 'apps' ? `${first}/${second}` : first;
}

function allowed(from: string): readonly string[] {
  const known = MAY_IMPORT[from];
  if (known !== undefined) return known;
  if (from.startsWith('apps/') || from === 'sandbox' || from === 'migrations') return EVERY_LIB;
  if (from === 'bench') return [...EVERY_LIB, 'sandbox', 'migrations'];
  return [];
}

/** Imports against the layers, one sentence each. */
export function layerFaults(sources: readonly SourceText[]): readonly string[] {
  return sources
    .filter((source) => !isTest(source.path))
    .flatMap((source) => {
      const from = areaOf(source.path);
      return importsOf(parse(source)).flatMap(({ target, inside, dynamic }) => {
        if (!inside)
          return from === 'libs/core' ? [`${source.path}: the core imports package ${target}`] : [];
        const to = areaOf(target);
        if (isTest(target)) return [`${source.path}: source imports a test's file ${target}`];
        if (to === from || allowed(from).includes(to)) return [];
        const exception = BEYOND.find(
          (one) => one.from === from && target.startsWith(one.to) && (dynamic || !one.dynamic),
        );
        return exception === undefined ? [`${source.path}: ${from} must not import ${target}`] : [];
      });
    });
}

/** Import cycles, each as the path that comes back to its beginning. */
export function cycles(sources: readonly SourceText[]): readonly string[] {
  const graph = new Map(
    sources.map((source) => [
      source.path,
      importsOf(parse(source)).flatMap(({ target, inside }) => (inside ? [target] : [])),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      found.push([...trail.slice(at), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

/** Imports of files that are not there; such a file would hide from every other rule. */
export function danglingImports(sources: readonly SourceText[]): readonly string[] {
  const known = new Set(sources.map((source) => source.path));
  return sources.flatMap((source) =>
    importsOf(parse(source))
      .filter(({ target, inside }) => inside && !known.has(target))
      .map(({ target }) => `${source.path}: imports ${target}, which does not exist`),
  );
}
