import { join } from 'node:path';
import { type Environment, readEnvironment } from '#config/environment';
import { withRunningEstate } from '#config/running-estate';
import { readSystems, type Systems } from '#config/systems';
import { openKafka } from '#kafka/client';
import { openMongo } from '#mongo/connection';
import { openControl } from '#mongo/control/control';
import { systemClock } from '#observability/clock';
import type { ApplyParts } from './apply.ts';

/** Where `./ficus demo` leaves the settings of the estate it runs. */
export const ESTATES = join(import.meta.dirname, '..', '..', '..', '.ficus');

export interface Estate {
  readonly environment: Environment;
  readonly systems: Systems;
}

/** @throws FicusError `setting_invalid` naming what is not set. */
export function readEstate(): Estate {
  const source = withRunningEstate(ESTATES);
  const environment = readEnvironment('cli', source);
  return { environment, systems: readSystems(environment.systems, source) };
}

/** Legacy systems when some are set up, for checks that can do without. */
export function readSystemsIfAny(): Systems | null {
  const source = withRunningEstate(ESTATES);
  return source.FICUS_SYSTEMS === undefined ? null : readSystems(source.FICUS_SYSTEMS, source);
}

export async function withApplyParts<T>(
  say: (text: string) => void,
  use: (parts: ApplyParts) => Promise<T>,
): Promise<T> {
  const { environment, systems } = readEstate();
  const mongo = openMongo(environment.mongoUrl, 'ficus-cli');
  const kafka = openKafka(environment.kafkaBrokers, 'ficus-cli', () => undefined);
  try {
    return await use({
      systems,
      kafka,
      documents: mongo.db(environment.mongoDatabase),
      control: openControl(mongo, systemClock),
      say,
    });
  } finally {
    await mongo.close();
  }
}
