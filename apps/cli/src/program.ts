import { Command } from 'commander';
import { FicusError } from '#core/errors';
import { openMongo } from '#mongo/connection';
import { CONTROL_DATABASE } from '#mongo/control/control';
import { systemClock } from '#observability/clock';
import { parsePlans } from '#plans/plan-file';
import { migrateControl } from '../../../migrations/control/run.ts';
import { migrateLegacy } from '../../../migrations/legacy/run.ts';
import { applyPlans } from './apply.ts';
import { readEstate, readSystemsIfAny, withApplyParts } from './estate.ts';
import { formatFault, readPlanFiles } from './plan-files.ts';
import { addUnitCommands } from './unit-commands.ts';

/** The command line of Ficus. @param say prints a line of a command's result. */
export function ficusProgram(say: (text: string) => void): Command {
  const program = new Command('ficus').description(
    'Takes applications off Db2 and PostgreSQL onto MongoDB without stopping them.',
  );
  addSandbox(program);
  addMigrate(program, say);
  addPlanCommands(program, say);
  addUnitCommands(program, say);
  return program;
}

function addSandbox(program: Command): void {
  for (const [name, description] of [
    [
      'demo',
      'run the demonstration estate on this machine; --exit ends after the run, --format json|json-schema|avro',
    ],
    ['test', 'run all tests on servers started for them'],
    ['provision', 'fetch and build what the servers and the Db2 driver need, and start nothing'],
    ['up', 'start the servers only, and keep them until Ctrl-C'],
  ] as const) {
    program
      .command(name)
      .description(description)
      .allowUnknownOption()
      .argument('[options...]')
      .action(async () => {
        await import('../../../sandbox/src/main.ts');
      });
  }
}

function addMigrate(program: Command, say: (text: string) => void): void {
  program
    .command('migrate')
    .description("bring Ficus's control database and its control tables in the legacy databases up to date")
    .action(async () => {
      const { environment, systems } = readEstate();
      const mongo = openMongo(environment.mongoUrl, 'ficus-cli');
      try {
        const done = await migrateControl(mongo.db(CONTROL_DATABASE), {
          by: environment.instance,
          clock: systemClock,
        });
        say(`control database: ${done.length === 0 ? 'up to date' : `ran ${done.join(', ')}`}`);
      } finally {
        await mongo.close();
      }
      for (const [name, system] of Object.entries(systems)) {
        const done = await migrateLegacy(name, system);
        say(`${name}: ${done.length === 0 ? 'up to date' : `ran ${done.join(', ')}`}`);
      }
    });
}

function addPlanCommands(program: Command, say: (text: string) => void): void {
  const plan = program.command('plan').description('write, check and apply plans');

  plan
    .command('check')
    .description('name every fault of the plans at once')
    .argument('[paths...]', 'plan files, or folders of them', ['plans'])
    .action((paths: string[]) => {
      const { plans, faults } = parsePlans(readPlanFiles(paths, process.cwd()), readSystemsIfAny());
      for (const fault of faults) console.error(formatFault(fault));
      if (faults.length > 0) {
        console.error(`${faults.length} fault${faults.length === 1 ? '' : 's'}`);
        process.exitCode = 1;
        return;
      }
      for (const one of plans)
        say(
          `${one.unit}: ${one.root.table}${one.embeds.map((embed) => ` + ${embed.table}`).join('')} → ${one.collection}`,
        );
      say(`${plans.length} plan${plans.length === 1 ? '' : 's'}, no faults`);
    });

  plan
    .command('init')
    .description("write a first plan from the legacy database's own catalogue to standard output")
    .argument('<connection>', 'name of a legacy system in systems.yaml')
    .argument('<table>', 'schema.table')
    .option('--unit <name>', "name of the unit; the plural of the table's name unless given")
    .option('--owner <team>', 'who answers for the unit', 'unowned')
    .action(async (connection: string, table: string, options: { unit?: string; owner: string }) => {
      const { systems } = readEstate();
      const { draftPlan } = await import('./draft.ts');
      say(await draftPlan(connection, table, { systems, ...options }));
    });

  plan
    .command('apply')
    .description('roll plans out on the running estate')
    .argument('[paths...]', 'plan files, or folders of them', ['plans'])
    .action(async (paths: string[]) => {
      const { systems } = readEstate();
      const files = readPlanFiles(paths, process.cwd());
      const { plans, faults } = parsePlans(files, systems);
      for (const fault of faults) console.error(formatFault(fault));
      if (faults.length > 0)
        throw new FicusError('plan_invalid', `${faults.length} faults; nothing was applied`);
      const named = plans.map((one, index) => ({ plan: one, text: files[index]?.text ?? '' }));
      await withApplyParts(say, (parts) => applyPlans(named, parts));
    });
}
