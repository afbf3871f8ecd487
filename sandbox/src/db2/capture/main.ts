import { z } from 'zod';
import { type Db2Session, openSession } from '#legacy/db2/driver';
import { CONTROL_SCHEMA } from '../control.ts';
import { CAPTURE_NAME, Capture } from './capture.ts';
import { Publisher } from './publisher.ts';
import { startRest } from './rest.ts';

/** The stand-in's change capture as a process. The one argument is the settings as JSON; SIGTERM ends it in order. */
const Settings = z.object({
  url: z.string(),
  brokers: z.string(),
  database: z.string(),
  port: z.number(),
  dataDir: z.string(),
});

const settings = Settings.parse(JSON.parse(process.argv[2] ?? '{}'));
const open = (): Promise<Db2Session> => openSession(settings.url);
const sessions = { log: await open(), snapshot: await open(), chores: await open() };
const publisher = new Publisher(settings.brokers, 'db2-stand-in');
await publisher.connect();
const capture = new Capture({ sessions, publisher, database: settings.database, dataDir: settings.dataDir });
await capture.open();
// Derby refuses a statement when several sessions want a sequence's first range at once: it is taken before anybody comes.
await sessions.chores.query(`VALUES NEXT VALUE FOR ${CONTROL_SCHEMA}.LOGSEQ`);
const rest = await startRest(capture, settings.port);
console.log(`${CAPTURE_NAME}, its REST on 127.0.0.1:${settings.port}`);

process.once('SIGTERM', () => capture.stop());
await capture.run();
rest.closeAllConnections();
rest.close();
await publisher.close();
await Promise.all(Object.values(sessions).map((session) => session.close()));
process.exit(0);
