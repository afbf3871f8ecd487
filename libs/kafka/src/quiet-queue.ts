import { createRequire } from 'node:module';

/** Of kafkajs 2.2.4, what is needed here of the queue that each connection has. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
  readonly prototype: RequestQueue;
};
const schedule = prototype.scheduleCheckPendingRequests;

/**
 * kafkajs looks on every connection, every millisecond and for ever, whether a request waits, although one that does is
 * scheduled by itself: tulios/kafkajs#1704, which no release has mended. Also a process that has nothing to do pays for it,
 * and Node 24 warns of the timeouts in the past.
 */
export function quietQueues(): void {
  prototype.scheduleCheckPendingRequests = function scheduleIfPending(this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}
