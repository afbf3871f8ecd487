import {
  type SlotReading,
  type SlotState,
  type SourceIdentity,
  type SourceSlot,
  WAL_STATUSES,
} from '#core/ports/capture';
import { Connections } from './connections.ts';
import { parseLsn } from './lsn.ts';
import { type Row, statement } from './statement.ts';

export interface SlotSettings {
  /** postgres:// address of Ficus's own role. */
  readonly url: string;
  readonly slot: string;
  /** The capture account: only an account with REPLICATION may drop a slot, and only the reader's own may end it. */
  readonly account: { readonly user: string; readonly password: string };
}

/** Less than the time between two measurements: a new connection goes where the connector's next one would. */
const IDLE_MS = 1_000;
/** Where a file of the log has its timeline: the first digits of its name, hexadecimal. */
const TIMELINE_DIGITS = 8;

/** `max_slot_wal_keep_size` counts megabytes; -1 is without bound. */
const READ = `
SELECT s.wal_status, pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::text, s.safe_wal_size::text, s.active::text,
  s.confirmed_flush_lsn::text, (SELECT setting::bigint * 1024 * 1024 FROM pg_settings WHERE name = 'max_slot_wal_keep_size')::text,
  pg_walfile_name(pg_current_wal_lsn()), pg_current_wal_flush_lsn()::text,
  has_function_privilege('pg_control_system()', 'EXECUTE')::text
FROM (SELECT 1) one LEFT JOIN pg_replication_slots s ON s.slot_name = $1`;

/** Some hosts keep it to themselves. */
const CLUSTER = 'SELECT system_identifier::text FROM pg_control_system()';

/** Ends the reader's session, waiting for its end. */
const END_READER =
  'SELECT pg_terminate_backend(active_pid, 5000)::text FROM pg_replication_slots WHERE slot_name = $1 AND active';
const DROP =
  'SELECT pg_drop_replication_slot(slot_name)::text FROM pg_replication_slots WHERE slot_name = $1';

/**
 * The forward connector's replication slot, and which source it is of. Source: PostgreSQL documentation,
 * "pg_replication_slots", "System Administration Functions" and "pg_control_system".
 */
export class PostgresSlot implements SourceSlot {
  readonly #slot: string;
  readonly #connections: Connections;
  readonly #capture: Connections;

  constructor(system: string, { url, slot, account }: SlotSettings) {
    this.#slot = slot;
    this.#connections = new Connections(system, url, IDLE_MS);
    this.#capture = new Connections(system, withAccount(url, account));
  }

  async read(): Promise<SlotReading> {
    const [row = []] = await this.#connections.rows(statement(READ, [this.#slot]));
    const limit = Number(row[5]);
    const [file = '', flushed = ''] = [row[6], row[7]].map(String);
    const source: SourceIdentity = {
      cluster: row[8] === 'true' ? await this.#cluster() : null,
      timeline: Number.parseInt(file.slice(0, TIMELINE_DIGITS), 16),
      flushed: String(parseLsn(flushed)),
    };
    return { name: this.#slot, source, slot: stateOf(row), limitBytes: limit < 0 ? null : limit };
  }

  async drop(): Promise<void> {
    await this.#capture.rows(statement(END_READER, [this.#slot]));
    await this.#capture.rows(statement(DROP, [this.#slot]));
  }

  async #cluster(): Promise<string | null> {
    // Not all that calls itself PostgreSQL has one.
    const [row = []] = await this.#connections.rows(statement(CLUSTER, [])).catch(() => []);
    return row[0] ?? null;
  }

  async close(): Promise<void> {
    await Promise.all([this.#connections.close(), this.#capture.close()]);
  }
}

function stateOf([status, retained = null, safe = null, active, confirmed = null]: Row): SlotState | null {
  const walStatus = WAL_STATUSES.find((one) => one === status);
  if (walStatus === undefined) return null;
  return {
    walStatus,
    retainedBytes: numberOf(retained),
    safeBytes: numberOf(safe),
    active: active === 'true',
    confirmed: confirmed === null ? null : String(parseLsn(confirmed)),
  };
}

function numberOf(text: string | null): number | null {
  return text === null ? null : Number(text);
}

function withAccount(url: string, { user, password }: SlotSettings['account']): string {
  const address = new URL(url);
  address.username = encodeURIComponent(user);
  address.password = encodeURIComponent(password);
  return address.href;
}
