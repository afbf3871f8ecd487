import { FicusError } from '#core/errors';
import type { Catalogue } from '#core/ports/catalogue';
import type { LegacyStore } from '#core/ports/legacy-store';
import { PostgresCatalogue } from './postgres/catalogue.ts';
import { PostgresStore } from './postgres/store.ts';

/** The part of a systems.yaml entry that reaching the database needs. */
export type LegacySettings =
  | { readonly kind: 'postgres'; readonly url: string; readonly capture: { readonly slot: string } }
  | { readonly kind: 'db2'; readonly url: string };

/** Opens a legacy database behind its port; it connects when it is first asked something. */
export function openLegacyStore(name: string, settings: LegacySettings): LegacyStore {
  switch (settings.kind) {
    case 'postgres':
      return new PostgresStore(name, { url: settings.url, slot: settings.capture.slot });
    case 'db2':
      throw new FicusError(
        'setting_invalid',
        `system ${name} is of kind db2, which is not built yet; legal is postgres`,
      );
  }
}

/** Opens a legacy database's own description of its tables. */
export function openCatalogue(name: string, settings: LegacySettings): Catalogue {
  switch (settings.kind) {
    case 'postgres':
      return new PostgresCatalogue(name, settings.url);
    case 'db2':
      throw new FicusError(
        'setting_invalid',
        `system ${name} is of kind db2, which is not built yet; legal is postgres`,
      );
  }
}
