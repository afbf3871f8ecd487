import type { SourceSlot } from '#core/ports/capture';
import type { Catalogue } from '#core/ports/catalogue';
import type { Clock } from '#core/ports/clock';
import type { LegacyStore } from '#core/ports/legacy-store';
import { Db2Catalogue } from './db2/catalogue.ts';
import { Db2Store } from './db2/store.ts';
import { PostgresCatalogue } from './postgres/catalogue.ts';
import { PostgresSlot } from './postgres/slot.ts';
import { PostgresStore } from './postgres/store.ts';

/** The part of a systems.yaml entry that reaching the database needs. */
export type LegacySettings =
  | {
      readonly kind: 'postgres';
      readonly url: string;
      readonly capture: {
        readonly slot: string;
        readonly database: { readonly user: string; readonly password: string };
      };
    }
  | {
      readonly kind: 'db2';
      readonly url: string;
      readonly capture: { readonly connect: string; readonly connector: string };
    };

/**
 * Opens a legacy database behind its port. It connects when it is first asked something, and only then is a driver
 * loaded that must be compiled first (Db2's).
 */
export function openLegacyStore(name: string, settings: LegacySettings, clock: Clock): LegacyStore {
  switch (settings.kind) {
    case 'postgres':
      return new PostgresStore(name, { url: settings.url, slot: settings.capture.slot });
    case 'db2': {
      const { connect, connector } = settings.capture;
      return new Db2Store(name, { url: settings.url, connect, connector }, clock);
    }
  }
}

/** Opens a legacy database's own description of its tables. */
export function openCatalogue(name: string, settings: LegacySettings, clock: Clock): Catalogue {
  switch (settings.kind) {
    case 'postgres':
      return new PostgresCatalogue(name, settings.url);
    case 'db2':
      return new Db2Catalogue(name, settings.url, clock);
  }
}

/** Null: the database holds nothing back for a reader that is away (Db2's capture tables are pruned by time). */
export function openSlot(name: string, settings: LegacySettings): SourceSlot | null {
  switch (settings.kind) {
    case 'postgres': {
      const { slot, database } = settings.capture;
      return new PostgresSlot(name, { url: settings.url, slot, account: database });
    }
    case 'db2':
      return null;
  }
}
