import { runSession, type Session } from '../../sandbox/src/session.ts';
import { missed, verdicts } from '../figures.ts';
import { openRig } from '../rig.ts';
import { Cases } from './cases.ts';
import { Contests } from './contest.ts';
import { type ApplyOptions, applyOptions, USAGE } from './options.ts';
import { prepare } from './prepared.ts';
import { backlogLines, caseDemands, caseRatios, casesTable, contestDemands, contestTable } from './report.ts';

const log = (line: string): void => console.log(line);

await runSession(async (session) => {
  try {
    return await bench(session, applyOptions(process.argv.slice(2)));
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('--')) log(USAGE);
    throw error;
  }
});

async function bench({ supervisor }: Session, options: ApplyOptions): Promise<number> {
  const { keys, events, check } = options;
  const rig = await openRig({ supervisor, log, names: ['kafka', 'mongo'] });
  try {
    const prepared = await prepare(rig, 'mixed', { kind: 'mixed', keys, events });
    const contest = await new Contests(rig, options, prepared).hold();
    const cases = options.cases.length > 0 ? await new Cases(rig, options, prepared).measure() : new Map();
    const demands = [...contestDemands(contest), ...caseDemands(cases)];
    const parts = [
      backlogLines(prepared, contest),
      contestTable(contest),
      ...(cases.size > 0 ? [casesTable(cases), caseRatios(cases)] : []),
      verdicts(demands),
    ];
    log(`\n${parts.filter((part) => part !== '').join('\n\n')}`);
    return check && missed(demands).length > 0 ? 1 : 0;
  } finally {
    await rig.close();
  }
}
