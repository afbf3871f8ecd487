/** Name of the queue in Redis, and of every job in it. */
export const VERIFICATIONS = 'ficus-verifications';
export const VERIFY = 'verify';

/** What stands in Redis of a verification; its state and result are in the control database, under the job's id. */
export interface VerificationJob {
  readonly unit: string;
  readonly requestedBy: string;
}

/** `requestedBy` of a run that the plan's schedule ordered. */
export const SCHEDULE = 'schedule';
