import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startEstate } from './estate/estate.ts';
import { NODE, NODE_MODULES, REPOSITORY } from './paths.ts';
import { describeExit } from './process/child.ts';
import { formatElapsed, type Log } from './progress.ts';
import { ALL_SERVERS, startServers } from './server/servers.ts';
import type { Session } from './session.ts';

/** What Vitest's JSON reporter says of a run, as far as it is counted here. */
const Report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  numFailedTestSuites: z.int(),
});

export type Count = { passed: number; failed: number; skipped: number };

/** A file that does not load fails as a suite and has no tests to fail; it must count all the same. */
export function countReport(json: unknown): Count {
  const report = Report.parse(json);
  const failed = report.numFailedTests > 0 ? report.numFailedTests : report.numFailedTestSuites;
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests };
}

export function addCounts(counts: readonly Count[]): Count {
  const sum = (field: keyof Count) => counts.reduce((total, count) => total + count[field], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/** Smaller than the demonstration's: every document is compared several times. */
const TEST_SIZE = { suppliers: 500, payments: 4_000, allocations: 3 };
const TEST_PLANT = { parts: 2_000, events: 4 };
const NONE: Count = { passed: 0, failed: 0, skipped: 0 };
/** kafkajs computes a timeout in the past now and then, of which every test file would tell. */
const QUIET = '--disable-warning=TimeoutNegativeWarning';
const VITEST = join(NODE_MODULES, 'vitest', 'vitest.mjs');

export function formatCount({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/**
 * Runs every check and every test on servers of its own. The last line printed is the count over all of them; the
 * status is 0 only when everything passed, and a check that fails counts as one failed test.
 */
export async function runTests({ supervisor }: Session, log: Log): Promise<number> {
  const begun = performance.now();
  const say = (text: string) => log(`== ${formatElapsed(performance.now() - begun)}: ${text}`);
  const reports = await mkdtemp(join(tmpdir(), 'ficus-reports-'));
  supervisor.removeAtEnd(reports);
  const counts: Count[] = [];

  const command = async (
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) => {
    say(name);
    const [program = '', ...rest] = args;
    const child = supervisor.spawn({
      name,
      command: program,
      args: rest,
      cwd: REPOSITORY,
      env,
      inherit: true,
    });
    const exit = await child.exited;
    if (exit.code !== 0) log(`${name} failed: ${describeExit(exit)}`);
    return exit.code === 0;
  };
  /** Runs a command that ends in Vitest, and counts its tests. */
  const tests = async (name: string, args: readonly string[], env?: Readonly<Record<string, string>>) => {
    const file = join(reports, `${counts.length}.json`);
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const passed = await command(name, [...args, ...reporters], env);
    const report = await readFile(file, 'utf8').catch(() => undefined);
    const count = report === undefined ? NONE : countReport(JSON.parse(report));
    // A run can fail without a failed test: the linter spoke, or an error that nobody caught.
    counts.push(passed || count.failed > 0 ? count : { ...count, failed: 1 });
  };
  const vitest = (project: string) => [NODE, VITEST, 'run', '--project', project];

  if (!(await command('npm run build', ['npm', 'run', 'build']))) counts.push({ ...NONE, failed: 1 });
  await tests('npm run check', ['npm', 'run', 'check', '--']);
  say('servers');
  const servers = await startServers({ names: [...ALL_SERVERS, 'registry'], log, supervisor });
  const env = { ...servers.env, NODE_OPTIONS: QUIET };
  await tests('tests on the servers', vitest('int'), env);
  say('the estate for the tests of the running apps');
  const estate = await startEstate({
    supervisor,
    log,
    servers,
    built: true,
    // Both forms are driven through: the estate of the recovery tests, and the demonstration's, have none.
    format: 'json-schema',
    size: TEST_SIZE,
    plant: TEST_PLANT,
  });
  await tests('tests of the running apps', vitest('e2e'), { ...env, ...estate.settings });
  await supervisor.stopAll();
  const total = addCounts(counts);
  say('everything stopped');
  log(formatCount(total));
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}
