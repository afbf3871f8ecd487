import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { houseFaults } from './house-rules.ts';
import { cycles, danglingImports, layerFaults } from './layers.ts';
import { readSources, type SourceText } from './source.ts';

const sources = readSources(join(import.meta.dirname, '..'));

describe('the project', () => {
  it('is all there', () => {
    const areas = new Set(sources.map(({ path }) => path.split('/')[0]));
    expect([...areas]).toEqual(expect.arrayContaining(['apps', 'libs', 'sandbox', 'migrations', 'test']));
    expect(sources.length).toBeGreaterThan(100);
  });
  it('keeps its layers', () => expect(layerFaults(sources)).toEqual([]));
  it('has no import cycle', () => expect(cycles(sources)).toEqual([]));
  it('imports only files that exist', () => expect(danglingImports(sources)).toEqual([]));
  it('keeps the rules of the house', () => expect(houseFaults(sources)).toEqual([]));
});

/** A checker that finds nothing proves nothing: each rule is shown a file that breaks it. */
interface Case {
  readonly what: string;
  readonly path: string;
  readonly text: string;
  readonly fault: RegExp | null;
}

const layerCases: readonly Case[] = [
  { what: 'core importing itself', path: 'libs/core/src/a.ts', text: `import './b.ts';`, fault: null },
  {
    what: 'core importing a package',
    path: 'libs/core/src/a.ts',
    text: `import { z } from 'zod';`,
    fault: /package zod/,
  },
  {
    what: 'core importing node',
    path: 'libs/core/src/a.ts',
    text: `export * from 'node:fs';`,
    fault: /package node:fs/,
  },
  {
    what: 'core importing an adapter by type',
    path: 'libs/core/src/a.ts',
    text: `type A = import('#mongo/reach').A;`,
    fault: /libs\/core must not import libs\/mongo\/src\/reach\.ts/,
  },
  {
    what: 'an adapter importing the core',
    path: 'libs/mongo/src/a.ts',
    text: `import '#core/key';`,
    fault: null,
  },
  {
    what: 'an adapter importing another',
    path: 'libs/mongo/src/a.ts',
    text: `import '#kafka/client';`,
    fault: /libs\/mongo must not import/,
  },
  {
    what: 'kafka importing debezium',
    path: 'libs/kafka/src/a.ts',
    text: `import type { L } from '#debezium/envelope';`,
    fault: null,
  },
  {
    what: 'debezium importing kafka',
    path: 'libs/debezium/src/a.ts',
    text: `import '#kafka/client';`,
    fault: /must not import/,
  },
  {
    what: 'a lib importing an app',
    path: 'libs/jobs/src/a.ts',
    text: `import '../../../apps/facade/src/main.ts';`,
    fault: /must not import apps\/facade/,
  },
  {
    what: 'a lib importing the sandbox',
    path: 'libs/legacy/src/a.ts',
    text: `await import('../../../sandbox/src/main.ts');`,
    fault: /must not import sandbox/,
  },
  {
    what: 'source importing libs/testing',
    path: 'libs/mongo/src/a.ts',
    text: `import '#testing/plans';`,
    fault: /imports a test's file/,
  },
  {
    what: 'source importing a test',
    path: 'apps/facade/src/a.ts',
    text: `import './b.test.ts';`,
    fault: /imports a test's file/,
  },
  {
    what: 'a test importing libs/testing',
    path: 'libs/mongo/src/a.test.ts',
    text: `import '#testing/plans';`,
    fault: null,
  },
  {
    what: 'an app importing libs',
    path: 'apps/facade/src/a.ts',
    text: `import '#mongo/reach'; import './b.ts';`,
    fault: null,
  },
  {
    what: 'an app importing another app',
    path: 'apps/facade/src/a.ts',
    text: `import '../../admin/src/b.ts';`,
    fault: /must not import apps\/admin/,
  },
  {
    what: 'an app importing the sandbox',
    path: 'apps/facade/src/a.ts',
    text: `await import('../../../sandbox/src/main.ts');`,
    fault: /must not import sandbox/,
  },
  {
    what: 'the command line importing the sandbox dynamically',
    path: 'apps/cli/src/a.ts',
    text: `await import('../../../sandbox/src/main.ts');`,
    fault: null,
  },
  {
    what: 'the command line importing the sandbox statically',
    path: 'apps/cli/src/a.ts',
    text: `import '../../../sandbox/src/main.ts';`,
    fault: /must not import sandbox/,
  },
  {
    what: 'the command line importing migrations',
    path: 'apps/cli/src/a.ts',
    text: `import '../../../migrations/control/run.ts';`,
    fault: null,
  },
  {
    what: 'the sandbox importing libs',
    path: 'sandbox/src/a.ts',
    text: `import '#config/systems';`,
    fault: null,
  },
  {
    what: 'the sandbox importing an app',
    path: 'sandbox/src/a.ts',
    text: `import '../../apps/cli/src/main.ts';`,
    fault: /must not import apps\/cli/,
  },
];

const houseCases: readonly Case[] = [
  { what: 'a file of 400 lines', path: 'libs/kafka/src/a.ts', text: ';\n'.repeat(400), fault: null },
  {
    what: 'a file of 401 lines',
    path: 'libs/kafka/src/a.test.ts',
    text: ';\n'.repeat(401),
    fault: /401 lines/,
  },
  { what: 'a drawer as a file', path: 'libs/kafka/src/utils.ts', text: '', fault: /no name for a thing/ },
  {
    what: 'a drawer as a tested file',
    path: 'libs/kafka/src/types.test.ts',
    text: '',
    fault: /no name for a thing/,
  },
  {
    what: 'a drawer as a folder',
    path: 'apps/facade/src/common/a.ts',
    text: '',
    fault: /no name for a thing/,
  },
  { what: 'field-type is a thing', path: 'libs/core/src/field-type.ts', text: '', fault: null },
  {
    what: 'four arguments',
    path: 'libs/kafka/src/a.ts',
    text: 'class A { constructor(a: 1, b: 2, c: 3, d: 4) {} }',
    fault: null,
  },
  {
    what: 'five arguments',
    path: 'libs/kafka/src/a.ts',
    text: 'class A { constructor(a: 1, b: 2, c: 3, d: 4, e: 5) {} }',
    fault: /:1: a constructor of 5/,
  },
  {
    what: 'the environment in an app',
    path: 'apps/facade/src/a.ts',
    text: '\nprocess.env.X;',
    fault: /:2: only libs\/config/,
  },
  {
    what: 'the environment by its module',
    path: 'apps/facade/src/a.ts',
    text: `import { env } from 'node:process';`,
    fault: /only libs\/config/,
  },
  {
    what: 'the environment by index',
    path: 'apps/facade/src/a.ts',
    text: `process['env']['X'];`,
    fault: /only libs\/config/,
  },
  {
    what: 'the environment in libs/config',
    path: 'libs/config/src/a.ts',
    text: 'process.env.X;',
    fault: null,
  },
  {
    what: 'the clock in the core',
    path: 'libs/core/src/a.ts',
    text: 'Date.now();',
    fault: /takes Date\.now/,
  },
  {
    what: 'a new Date of now in the core',
    path: 'libs/core/src/a.ts',
    text: 'new Date();',
    fault: /takes new Date\(\)/,
  },
  {
    what: 'a Date of something in the core',
    path: 'libs/core/src/a.ts',
    text: 'new Date(0); Date.parse("");',
    fault: null,
  },
  {
    what: 'a timer in the core',
    path: 'libs/core/src/a.ts',
    text: 'setTimeout(() => 1, 1);',
    fault: /takes setTimeout/,
  },
  {
    what: 'chance in the core',
    path: 'libs/core/src/a.ts',
    text: 'const f = Math.random;',
    fault: /takes Math\.random/,
  },
  {
    what: 'ids in the core',
    path: 'libs/core/src/a.ts',
    text: 'crypto.randomUUID();',
    fault: /takes crypto/,
  },
  {
    what: 'a member of that name in the core',
    path: 'libs/core/src/a.ts',
    text: 'clock.setTimeout(1); ({ process: 1 });',
    fault: null,
  },
  { what: 'the clock in an adapter', path: 'libs/observability/src/a.ts', text: 'Date.now();', fault: null },
  { what: 'any', path: 'libs/kafka/src/a.ts', text: 'let a: any;', fault: /any escapes/ },
  { what: 'a non-null assertion', path: 'libs/kafka/src/a.test.ts', text: 'a!.b;', fault: /a! escapes/ },
  { what: 'an inequality is none', path: 'libs/kafka/src/a.ts', text: 'a !== b; !a;', fault: null },
  {
    what: 'a suppression',
    path: 'libs/kafka/src/a.ts',
    text: '// @ts-ignore\na;',
    fault: /@ts-ignore hides/,
  },
  {
    what: 'a suppression at the end',
    path: 'libs/kafka/src/a.ts',
    text: 'a;\n/* biome-ignore lint: x */',
    fault: /biome-ignore hides/,
  },
  { what: 'its name in a text', path: 'libs/kafka/src/a.ts', text: `const a = '@ts-ignore';`, fault: null },
  {
    what: 'a demo unit in a text',
    path: 'libs/kafka/src/a.ts',
    text: `const a = 'payments';`,
    fault: /payments is of the demo/,
  },
  {
    what: 'a demo unit in a template',
    path: 'apps/cli/src/a.ts',
    text: 'const a = `/v1/parts`;',
    fault: /\/parts is of the demo/,
  },
  {
    what: 'a demo table',
    path: 'apps/cli/src/a.ts',
    text: `const a = 'x.lifecycle_event';`,
    fault: /lifecycle_event is of the demo/,
  },
  {
    what: 'parts as a word',
    path: 'apps/cli/src/a.ts',
    text: `const parts = Symbol('parts'); f('parts joined');`,
    fault: null,
  },
  {
    what: 'a demo unit in the sandbox',
    path: 'sandbox/src/a.ts',
    text: `const a = 'payments';`,
    fault: null,
  },
];

describe('layerFaults', () => {
  it.each(layerCases)('judges $what', ({ path, text, fault }) =>
    expectFault(layerFaults([{ path, text }]), fault),
  );
});

describe('houseFaults', () => {
  it.each(houseCases)('judges $what', ({ path, text, fault }) =>
    expectFault(houseFaults([{ path, text }]), fault),
  );
});

describe('cycles', () => {
  const file = (name: string, imported: string): SourceText => ({
    path: `libs/core/src/${name}.ts`,
    text: imported === '' ? '' : `import '${imported}';`,
  });
  it('finds none in a chain', () => {
    expect(cycles([file('a', './b.ts'), file('b', '#core/c'), file('c', '')])).toEqual([]);
  });
  it('finds one through an alias', () => {
    expect(cycles([file('a', './b.ts'), file('b', '#core/c'), file('c', './a.ts')])).toEqual([
      'libs/core/src/a.ts -> libs/core/src/b.ts -> libs/core/src/c.ts -> libs/core/src/a.ts',
    ]);
  });
  it('finds a file that imports itself', () => {
    expect(cycles([file('a', './a.ts')])).toHaveLength(1);
  });
});

describe('danglingImports', () => {
  it('finds an import of nothing', () => {
    expect(danglingImports([{ path: 'libs/core/src/a.ts', text: `import './gone.ts';` }])).toEqual([
      'libs/core/src/a.ts: imports libs/core/src/gone.ts, which does not exist',
    ]);
  });
});

function expectFault(faults: readonly string[], fault: RegExp | null): void {
  if (fault === null) expect(faults).toEqual([]);
  else expect(faults).toEqual([expect.stringMatching(fault)]);
}
