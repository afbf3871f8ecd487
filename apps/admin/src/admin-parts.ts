import type { Registry } from 'prom-client';
import type { Clock } from '#core/ports/clock';
import type { TransitionStore, VerificationQueue, VerificationStore } from '#core/ports/control';
import type { DeadLetterStore } from '#core/ports/dead-letters';
import type { UnknownColumnStore } from '#core/ports/replication';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';
import type { Caretaker } from './caretaker.ts';
import type { Fleet } from './fleet.ts';
import type { Flip } from './flip.ts';
import type { LegacySystems } from './systems.ts';

/** The token under which Nest hands the parts to the controllers. */
export const PARTS = Symbol('parts');

export interface AdminParts {
  readonly fleet: Fleet;
  readonly flip: Flip;
  readonly systems: LegacySystems;
  readonly control: {
    readonly transitions: TransitionStore;
    readonly verifications: VerificationStore;
    readonly deadLetters: DeadLetterStore;
    readonly unknownColumns: UnknownColumnStore;
  };
  readonly queue: VerificationQueue;
  readonly caretaker: Caretaker;
  readonly dependencies: Dependencies;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** Closes what was opened, after the caretaker has stopped. */
  readonly close: () => Promise<void>;
}
