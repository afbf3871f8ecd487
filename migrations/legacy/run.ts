import { migrateDb2 } from './db2.ts';
import { migratePostgres } from './postgres.ts';

/** The part of a systems.yaml entry that the migrations need. */
export type MigratedSystem =
  | {
      readonly kind: 'postgres';
      readonly url: string;
      readonly adminUrl?: string | undefined;
      readonly capture: { readonly database: { readonly user: string } };
    }
  | { readonly kind: 'db2'; readonly url: string };

/**
 * Brings Ficus's control tables in a legacy database up to date and grants the accounts of systems.yaml what they
 * need on them. Idempotent, and safe when two run at once. What has run is recorded in `ficus.migration`.
 * @returns names of the migrations that this call ran.
 * @throws FicusError naming the system: `legacy_unavailable` when it cannot be reached, `setting_invalid` when the
 * account may not do this.
 */
export async function migrateLegacy(name: string, system: MigratedSystem): Promise<readonly string[]> {
  switch (system.kind) {
    case 'postgres':
      return await migratePostgres(name, system.adminUrl ?? system.url, [
        decodeURIComponent(new URL(system.url).username),
        system.capture.database.user,
      ]);
    case 'db2':
      return await migrateDb2(name, system.url);
  }
}
