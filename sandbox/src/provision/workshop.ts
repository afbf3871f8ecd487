import type { Supervisor } from '../process/supervisor.ts';
import type { Progress } from '../progress.ts';

/** What every provisioning step works with. */
export type Workshop = { supervisor: Supervisor; progress: Progress };
