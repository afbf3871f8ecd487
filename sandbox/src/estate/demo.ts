import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { describeLoss } from '../process/child.ts';
import { waitFor } from '../process/poll.ts';
import { formatElapsed, type Log } from '../progress.ts';
import { ALL_SERVERS } from '../server/servers.ts';
import type { Session } from '../session.ts';
import { AdminClient } from './admin-client.ts';
import { ApiClients } from './api-clients.ts';
import { BatchProgram } from './batch-program.ts';
import { withDatabase } from './billing.ts';
import { BILLING } from './billing-schema.ts';
import { compareBytes, compareTotals } from './compare.ts';
import { type Estate, startEstate } from './estate.ts';
import { type MemoryPeak, type MemoryPeaks, MemoryWatch } from './memory-watch.ts';
import { PlantBatch } from './plant-batch.ts';
import { RECORD_FORMATS } from './settings.ts';

/** A slow machine takes its time, but something moves. */
const SNAPSHOT_STALLED_MS = 180_000;
/** Bytes. */
const SERVERS_LIMIT = 4 * 2 ** 30;
const UNITS = ['payments', 'suppliers', 'parts'] as const;

/**
 * Runs the demonstration: a unit's way from its snapshot to reads from MongoDB and back, under load, ending with a
 * comparison of both stores. @returns 0 when everything held.
 */
export async function demo(
  { supervisor, signal }: Session,
  args: readonly string[],
  log: Log,
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      exit: { type: 'boolean', default: false },
      data: { type: 'string' },
      format: { type: 'string', default: 'json' },
    },
  });
  const format = RECORD_FORMATS.find((name) => name === values.format);
  if (format === undefined)
    throw new Error(`--format ${values.format} is not legal; legal are ${RECORD_FORMATS.join(', ')}`);
  const begun = performance.now();
  const estate = await startEstate({ supervisor, log, format, dataDir: values.data });
  const memory = new MemoryWatch(supervisor);
  const story = new Story(estate, log, begun);
  const lost = new Promise<never>((_resolve, reject) => {
    supervisor.onLoss((child) => {
      story.held = false;
      log(describeLoss(child));
      reject(new Error(`${child.name} is gone, so nothing more can be shown`));
    });
  });
  // While the estate just stays up, a loss is told and no more.
  lost.catch(() => undefined);
  await Promise.race([story.tell(), lost]);
  story.memory(await memory.stop());
  story.end();
  story.addresses();
  if (!values.exit && !signal.aborted) {
    log('The estate stays up. Ctrl-C stops it.');
    const hold = setInterval(() => {}, 60_000);
    await once(signal, 'abort');
    clearInterval(hold);
  }
  return story.held ? 0 : 1;
}

class Story {
  readonly #estate: Estate;
  readonly #log: Log;
  readonly #begun: number;
  readonly #admin: AdminClient;
  readonly #api: string;
  held = true;

  constructor(estate: Estate, log: Log, begun: number) {
    this.#estate = estate;
    this.#log = log;
    this.#begun = begun;
    this.#api = estate.apps.facade.url;
    this.#admin = new AdminClient(estate.apps.admin.url);
  }

  async tell(): Promise<void> {
    const { servers, seed, size } = this.#estate;
    await waitFor('the first API answer', () => this.#firstAnswer(), { timeoutMs: 60_000, everyMs: 100 });
    this.#say('first API answer, served by legacy; snapshots begin');
    const batch = new BatchProgram(
      withDatabase(servers.env.TEST_POSTGRES_URL ?? '', BILLING, 'batch'),
      seed + 1,
      size.payments,
    );
    const clients = new ApiClients(this.#api, seed + 2, {
      payments: size.payments,
      parts: this.#estate.plant.parts,
    });
    const plant = new PlantBatch(servers.env.TEST_DB2_BATCH_URL ?? '', seed + 3, this.#estate.plant.parts);
    batch.start(20);
    plant.start(5);
    clients.start(4, 40);
    this.#say(
      'batch programs write straight to the legacy databases, four API clients read and write through the facade',
    );
    try {
      await this.#refusedWhileRed();
      for (const unit of UNITS) await this.#snapshot(unit);
      for (const unit of UNITS) await this.#verify(unit, 'under load');
      for (const unit of UNITS) await this.#flip(unit, 'offload', 'reads off the legacy database');
      await this.#serves('mongodb');
      await this.#flip('payments', 'legacy', 'taken back, to show that it can be');
      await this.#serves('legacy');
      await this.#flip('payments', 'offload', 'and up again');
      await this.#serves('mongodb');
    } finally {
      await Promise.all([batch.stop(), plant.stop(), clients.stop()]);
    }
    const { reads, writes, failures, served, lastFailure } = clients.counts();
    this.#say(
      `load stopped: ${batch.committed} batch transactions on PostgreSQL and ${plant.committed} on Db2's stand-in, ${reads} API reads, ${writes} API writes, served ${JSON.stringify(served)}`,
    );
    this.#check('no API client noticed anything', failures === 0, lastFailure ?? '');
    for (const unit of UNITS) await this.#verify(unit, 'at rest');
    await this.#compare();
  }

  /** Nothing is said of the servers' memory when some of them run in containers, since it cannot be seen here. */
  memory({ servers, apps }: MemoryPeaks): void {
    if (ALL_SERVERS.every((name) => name in servers.parts))
      this.#check(
        `the servers took at most ${formatMebibytes(servers.total)} together: ${partsOf(servers)}`,
        servers.total < SERVERS_LIMIT,
        `the limit is ${formatMebibytes(SERVERS_LIMIT)}`,
      );
    this.#say(`the apps took at most ${formatMebibytes(apps.total)} together: ${partsOf(apps)}`);
  }

  end(): void {
    this.#say(this.held ? 'everything held' : 'NOT everything held, see above');
  }

  addresses(): void {
    const { facade, admin } = this.#estate.apps;
    this.#log('');
    this.#log(`facade  ${facade.url}   documentation: ${facade.url}/docs`);
    this.#log(`admin   ${admin.url}/admin/units`);
    this.#log(`settings for ./ficus in another shell: FICUS_ESTATE=${this.#estate.settingsFile}`);
    this.#log(`curl -i '${facade.url}/v1/payments/PAY000000042'`);
    this.#log(`curl -g '${facade.url}/v1/payments?limit=3&sort=-dueOn&filter[amount][gte]=1000'`);
    this.#log(`curl '${admin.url}/admin/units/payments/transition'`);
    this.#log(
      `curl -X POST -H 'content-type: application/json' -d '{"to":"legacy","reason":"trying it"}' '${admin.url}/admin/units/payments/transitions'`,
    );
  }

  async #firstAnswer(): Promise<void> {
    const answer = await fetch(`${this.#api}/v1/payments/PAY000000042`, {
      signal: AbortSignal.timeout(5_000),
    });
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
  }

  /** A flip before the snapshot is complete must be refused, and says why. */
  async #refusedWhileRed(): Promise<void> {
    const { status, body } = await this.#admin.flip('payments', 'offload', 'too early', false);
    const red = (body.guards ?? []).filter((guard) => !guard.passed);
    this.#check('a flip before the proof is refused', status === 409, `status ${status}`);
    for (const guard of red) this.#say(`  guard ${guard.name}: ${guard.value}, needed: ${guard.limit}`);
  }

  async #snapshot(unit: string): Promise<void> {
    const begun = performance.now();
    let rows = 0;
    /** When this began to look: other units' turns came first. */
    let first: number | null = null;
    let moved = begun;
    for (;;) {
      const { snapshot, lagMs } = await this.#admin.unit(unit);
      if (snapshot?.complete) {
        this.#say(`${unit}: snapshot complete, ${snapshot.rows} rows; lag ${lagMs} ms`);
        return;
      }
      const now = snapshot?.rows ?? 0;
      first ??= now;
      const rate = ((now - first) * 1_000) / (performance.now() - begun);
      const left =
        snapshot?.total && rate > 0
          ? formatElapsed((1_000 * Math.max(0, snapshot.total - now)) / rate)
          : 'unknown';
      if (now !== rows) {
        moved = performance.now();
        this.#say(
          `${unit}: snapshot ${now} of ${snapshot?.total ?? '?'} rows, ${Math.round(rate)} rows/s, ${left} left`,
        );
      }
      rows = now;
      if (performance.now() - moved > SNAPSHOT_STALLED_MS)
        throw new Error(`the snapshot of ${unit} stands still at ${now} rows`);
      await sleep(2_000);
    }
  }

  async #verify(unit: string, when: string): Promise<void> {
    const id = await this.#admin.requestVerification(unit);
    const result = await waitFor(
      `verification of ${unit}`,
      async () => {
        const found = await this.#admin.verification(id);
        if (found === null || found.state === 'queued' || found.state === 'running')
          throw new Error(found?.state ?? 'not there yet');
        return found;
      },
      { timeoutMs: 240_000, everyMs: 250 },
    );
    const numbers = `${result.rowsCompared} documents, ${result.missing} missing, ${result.extra} extra, ${result.different} different, ${result.inFlight} in flight`;
    this.#check(
      `${unit} verified ${when}: ${numbers}`,
      result.state === 'passed',
      `${result.state} ${result.reason ?? ''}`,
    );
  }

  async #flip(unit: string, to: string, reason: string): Promise<void> {
    const dry = await this.#admin.flip(unit, to, reason, true);
    const guards = dry.body.guards ?? [];
    this.#say(
      `${unit} → ${to}, dry run: ${guards.map((guard) => `${guard.name} ${guard.passed ? '✓' : '✗'} ${guard.value}`).join('; ')}`,
    );
    const begun = performance.now();
    const { status, body } = await this.#admin.flip(unit, to, reason, false);
    this.#check(
      `${unit} → ${to} in ${formatElapsed(performance.now() - begun)}`,
      status < 300,
      `${status} ${JSON.stringify(body)}`,
    );
  }

  /** The facade follows a flip within a second. */
  async #serves(store: string): Promise<void> {
    const begun = performance.now();
    await waitFor(
      `answers from ${store}`,
      async () => {
        const answer = await fetch(`${this.#api}/v1/payments/PAY000000042`);
        await answer.arrayBuffer();
        if (answer.headers.get('ficus-store') !== store)
          throw new Error(`served by ${answer.headers.get('ficus-store')}`);
      },
      { timeoutMs: 10_000, everyMs: 20 },
    );
    const took = performance.now() - begun;
    this.#check(
      `payments are served by ${store}, seen ${formatElapsed(took)} after the flip`,
      took < 1_000,
      'later than a second',
    );
  }

  async #compare(): Promise<void> {
    const { servers } = this.#estate;
    for (const unit of UNITS) {
      const { documents, unequal } = await compareBytes(this.#api, unit);
      this.#check(
        `${unit}: ${documents} documents equal byte for byte from both stores`,
        unequal.length === 0 && documents > 0,
        `${unequal.length} unequal, e.g. ${unequal[0]}`,
      );
    }
    const totals = await compareTotals(
      withDatabase(servers.env.TEST_POSTGRES_URL ?? '', BILLING),
      servers.env.TEST_DB2_URL ?? '',
      servers.env.TEST_MONGO_ROOT_URL ?? '',
    );
    for (const one of totals)
      this.#check(`${one.what}: ${one.legacy}`, one.equal, `MongoDB has ${one.mongodb}`);
  }

  #check(text: string, passed: boolean, otherwise: string): void {
    if (!passed) this.held = false;
    this.#say(passed ? `✓ ${text}` : `✗ ${text}: ${otherwise}`);
  }

  #say(text: string): void {
    this.#log(`${((performance.now() - this.#begun) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
  }
}

function formatMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

function partsOf({ parts }: MemoryPeak): string {
  return Object.entries(parts)
    .map(([name, bytes]) => `${name} ${formatMebibytes(bytes)}`)
    .join(', ');
}
