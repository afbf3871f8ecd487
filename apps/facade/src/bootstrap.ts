import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { readEnvironment } from '#config/environment';
import { readSystems } from '#config/systems';
import { assemble, openAdapters } from './assembly.ts';
import { createFacade } from './facade.ts';

/** Starts a facade. It comes up whatever is away, and says in readiness what it is waiting for. */
export async function bootstrap(): Promise<NestFastifyApplication> {
  const environment = readEnvironment('facade');
  const app = await createFacade(assemble(openAdapters(environment, readSystems(environment.systems))));
  app.enableShutdownHooks();
  await app.listen(environment.httpPort, environment.httpHost);
  return app;
}
