import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { withRunningEstate } from '#config/running-estate';
import { FicusError, reasonOf } from '#core/errors';
import { ESTATES } from './estate.ts';

interface Problem {
  readonly detail?: string;
  readonly code?: string;
  readonly guards?: readonly { name: string; passed: boolean; value: string; limit: string }[];
}

/** The command-line twins of the admin endpoint; each prints the endpoint's JSON. */
export function addUnitCommands(program: Command, say: (text: string) => void): void {
  const unit = program.command('unit').description('see and move units through the admin endpoint');
  const show = (value: unknown): void => say(JSON.stringify(value, null, 2));

  unit
    .command('list')
    .description('all units with phase, lag and counts')
    .action(async () => show(await call('GET', '/admin/units')));
  unit
    .command('show')
    .description('one unit, with its snapshot and its last comparison')
    .argument('<unit>')
    .action(async (name: string) => show(await call('GET', `/admin/units/${encodeURIComponent(name)}`)));
  unit
    .command('guards')
    .description('the next steps and whether they are safe now')
    .argument('<unit>')
    .action(async (name: string) =>
      show(await call('GET', `/admin/units/${encodeURIComponent(name)}/transition`)),
    );
  unit
    .command('flip')
    .description('move a unit to the next phase, up or down')
    .argument('<unit>')
    .argument('<phase>')
    .requiredOption('--reason <text>', 'why; kept in the history')
    .option(
      '--dry-run',
      'judge the guards and show the steps, change nothing; exit status 1 while one is red',
    )
    .action(async (name: string, to: string, options: { reason: string; dryRun?: boolean }) => {
      const { reason, dryRun = false } = options;
      const path = `/admin/units/${encodeURIComponent(name)}/transitions`;
      const answer = (await call('POST', path, { to, reason, dryRun })) as { readonly allowed?: boolean };
      show(answer);
      if (dryRun && answer.allowed !== true) process.exitCode = 1;
    });
  unit
    .command('verify')
    .description('ask for a full comparison of both stores')
    .argument('<unit>')
    .action(async (name: string) =>
      show(await call('POST', `/admin/units/${encodeURIComponent(name)}/verifications`, {})),
    );
  for (const [name, what, description] of [
    ['verifications', 'verifications', 'the comparisons so far, newest first'],
    ['drift', 'drift', 'the confirmed differences of the last comparison'],
    ['history', 'transitions', 'the flips so far, refused ones included, newest first'],
    ['unknown-columns', 'unknown-columns', 'columns that events carry and the plan does not know'],
  ] as const)
    unit
      .command(name)
      .description(description)
      .argument('<unit>')
      .action(async (of: string) =>
        show(await call('GET', `/admin/units/${encodeURIComponent(of)}/${what}`)),
      );
  addLetterCommands(program, show);
  addSystemCommands(program, show);
}

function addSystemCommands(program: Command, show: (value: unknown) => void): void {
  const system = program.command('system').description('see legacy systems, and begin their capture anew');
  system
    .command('list')
    .description("all systems with their units and what their connector's slot holds back")
    .action(async () => show(await call('GET', '/admin/systems')));
  system
    .command('show')
    .description('one system, with its slot and its new beginnings')
    .argument('<system>')
    .action(async (name: string) => show(await call('GET', `/admin/systems/${encodeURIComponent(name)}`)));
  system
    .command('resnapshot')
    .description('drop the slot, start the connector from now, and read every table of the system again')
    .argument('<system>')
    .requiredOption('--reason <text>', 'why; kept in the history')
    .option(
      '--new-epoch',
      'another database is in its place and Ficus has not noticed; or its topics were made anew, lost records, or have other partitions',
    )
    .action(async (name: string, options: { reason: string; newEpoch?: true }) =>
      show(await call('POST', `/admin/systems/${encodeURIComponent(name)}/resnapshot`, options)),
    );
}

interface LetterOptions {
  readonly unit: string;
  readonly id?: string;
  readonly topic?: string;
  readonly code?: string;
  readonly cause?: string;
  readonly all?: true;
  readonly reason: string;
  readonly dryRun?: true;
}

function addLetterCommands(program: Command, show: (value: unknown) => void): void {
  const letters = program
    .command('dead-letters')
    .description('records that could not be applied, and what is to be done with them');
  const query = (options: Readonly<Record<string, string>>): string =>
    Object.keys(options).length === 0 ? '' : `?${new URLSearchParams(options)}`;
  letters
    .command('list')
    .description('newest first')
    .option('--unit <unit>', 'of one unit only')
    .option('--state <state>', 'dead, waiting, replayed or discarded; without it the open ones')
    .option('--limit <number>', 'at most so many')
    .action(async (options: Record<string, string>) =>
      show(await call('GET', `/admin/dead-letters${query(options)}`)),
    );
  letters
    .command('groups')
    .description('the open ones by their cause')
    .option('--unit <unit>', 'of one unit only')
    .action(async (options: Record<string, string>) =>
      show(await call('GET', `/admin/dead-letters/groups${query(options)}`)),
    );
  for (const [what, description] of [
    ['replay', 'apply them now, and what waits behind them; what is stale by then changes nothing'],
    ['discard', 'give them up: their rows are read from the source, and what waits behind them is applied'],
  ] as const)
    letters
      .command(what)
      .description(description)
      .requiredOption('--unit <unit>', 'of this unit')
      .option('--id <id>', 'the one with this id')
      .option('--topic <topic>', 'those of this topic')
      .option('--code <code>', 'those with this code')
      .option('--cause <cause>', 'those of this cause, as `groups` shows it')
      .option('--all', 'all of the unit')
      .requiredOption('--reason <text>', 'why; kept with the letter')
      .option('--dry-run', 'show what it would do, change nothing')
      .action(async (options: LetterOptions) =>
        show(await call('POST', '/admin/dead-letters/orders', { what, ...options })),
      );
}

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const address = withRunningEstate(ESTATES).FICUS_ADMIN_URL;
  if (address === undefined)
    throw new FicusError(
      'setting_invalid',
      'FICUS_ADMIN_URL is not set: legal is the address of the admin endpoint',
    );
  let reply: Response;
  try {
    reply = await fetch(new URL(path, address), {
      method,
      headers: { 'content-type': 'application/json', 'ficus-actor': userInfo().username },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    throw new FicusError(
      'setting_invalid',
      `the admin endpoint at FICUS_ADMIN_URL (${address}) cannot be reached: ${causeOf(cause)}`,
      { cause },
    );
  }
  const answer = await jsonOf(reply, address);
  if (reply.ok) return answer;
  const problem = answer as Problem;
  const guards = (problem.guards ?? []).filter((guard) => !guard.passed);
  const lines = guards.map((guard) => `  ${guard.name}: ${guard.value}, needed: ${guard.limit}`);
  throw new FicusError(
    'guard_failed',
    [`${reply.status} ${problem.code ?? ''} ${problem.detail ?? ''}`.trim(), ...lines].join('\n'),
  );
}

async function jsonOf(reply: Response, address: string): Promise<unknown> {
  const text = await reply.text();
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new FicusError(
      'setting_invalid',
      `what answers at FICUS_ADMIN_URL (${address}) is no admin endpoint: ${reply.status} ${text.slice(0, 80)}`,
      { cause },
    );
  }
}

/** Fetch says only that it failed; why stands behind it. */
function causeOf(error: unknown): string {
  return reasonOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
