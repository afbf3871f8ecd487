import type { Db, MongoClient } from 'mongodb';
import type { CaptureStore } from '#core/ports/capture';
import type { Clock } from '#core/ports/clock';
import type { InstanceStore, TransitionStore, UnitStore, VerificationStore } from '#core/ports/control';
import type { DeadLetterStore } from '#core/ports/dead-letters';
import type {
  PlanStore,
  ReplicationStatusStore,
  SnapshotStore,
  TopicStore,
  UnknownColumnStore,
} from '#core/ports/replication';
import { MongoCaptureStore } from './captures.ts';
import { MongoDeadLetterStore } from './dead-letters.ts';
import { MongoInstanceStore } from './instances.ts';
import { MongoPlanStore } from './plans.ts';
import { MongoReplicationStatusStore } from './replication-status.ts';
import { MongoSnapshotStore } from './snapshots.ts';
import { MongoTopicStore } from './topics.ts';
import { MongoTransitionStore } from './transitions.ts';
import { MongoUnitStore } from './units.ts';
import { MongoUnknownColumnStore } from './unknown-columns.ts';
import { MongoVerificationStore } from './verifications.ts';

/** Name of the control database in every installation. */
export const CONTROL_DATABASE = 'ficus';

/** Everything that Ficus keeps about itself, one store for each thing. */
export interface Control {
  readonly units: UnitStore;
  readonly plans: PlanStore;
  readonly status: ReplicationStatusStore;
  readonly snapshots: SnapshotStore;
  readonly topics: TopicStore;
  readonly transitions: TransitionStore;
  readonly verifications: VerificationStore;
  readonly deadLetters: DeadLetterStore;
  readonly unknownColumns: UnknownColumnStore;
  readonly instances: InstanceStore;
  readonly captures: CaptureStore;
}

/** The stores on the control database of `client`; `migrations/control` must have run on it once. */
export function openControl(client: MongoClient, clock: Clock): Control {
  return controlOf(client.db(CONTROL_DATABASE), clock);
}

/** The stores on any database: tests keep one for each file. */
export function controlOf(db: Db, clock: Clock): Control {
  const captures = new MongoCaptureStore(db);
  return {
    units: new MongoUnitStore(db, clock),
    plans: new MongoPlanStore(db, captures, clock),
    status: new MongoReplicationStatusStore(db),
    snapshots: new MongoSnapshotStore(db),
    topics: new MongoTopicStore(db),
    transitions: new MongoTransitionStore(db),
    verifications: new MongoVerificationStore(db),
    deadLetters: new MongoDeadLetterStore(db),
    unknownColumns: new MongoUnknownColumnStore(db),
    instances: new MongoInstanceStore(db, clock),
    captures,
  };
}
