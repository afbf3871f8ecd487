import type { INestApplication } from '@nestjs/common';
import { FicusError, reasonOf } from '#core/errors';

/** Runs a service: says where it listens, or in one line why it could not start (status 1; 70 for a bug). */
export async function runService(name: string, bootstrap: () => Promise<INestApplication>): Promise<void> {
  try {
    const app = await bootstrap();
    console.log(`${name} listens on ${await app.getUrl()}`);
  } catch (error) {
    console.error(`${name} could not start: ${reasonOf(error)}`);
    process.exit(error instanceof FicusError || isAddressFault(error) ? 1 : 70);
  }
}

/** The host or the port is not to be had: a setting, and no bug. */
function isAddressFault(error: unknown): boolean {
  return (
    error instanceof Error && 'syscall' in error && ['listen', 'getaddrinfo'].includes(String(error.syscall))
  );
}
