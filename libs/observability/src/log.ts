import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on standard output: time, level, app, instance, message and the fields of the call. */
export function openLog(app: string, instance: string, level: string): Logger {
  return pino({ level, base: { app, instance }, timestamp: pino.stdTimeFunctions.isoTime });
}
