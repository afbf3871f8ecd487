import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkAgainstCatalogue } from '#core/plan-catalogue';
import { renderDraft } from '#core/plan-draft';
import { PostgresCatalogue } from '#legacy/postgres/catalogue';
import { PostgresStore } from '#legacy/postgres/store';
import { parsePlans } from '#plans/plan-file';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';

/** A schema that nobody made for Ficus: every kind of column, odd names, children that fit and children that do not. */
const SCHEMA = `
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE DOMAIN percent AS numeric(5,2) CHECK (value BETWEEN 0 AND 100);
CREATE SCHEMA "Lager";
CREATE TABLE "Lager"."ArtikelGruppe" (
  "Werk" char(3), "Nummer" bigint, "yes" boolean NOT NULL, "Bezeichnung (lang)" varchar(60) NOT NULL,
  "E-Mail" text DEFAULT 'x', preis numeric(38,4), rabatt percent, farbe colour, masse real[], dauer interval,
  von inet, eingang timestamptz(3) NOT NULL DEFAULT now(), zeit time, daten jsonb, bild bytea, wert double precision,
  doppelt numeric GENERATED ALWAYS AS (preis * 2) STORED, lfd bigint GENERATED ALWAYS AS IDENTITY, frei numeric,
  PRIMARY KEY ("Nummer", "Werk")
);
CREATE TABLE "Lager"."ArtikelGruppe_Text" (
  w char(3), n bigint, sprache char(2), zeile smallint, inhalt text NOT NULL,
  PRIMARY KEY (w, n, sprache, zeile),
  FOREIGN KEY (n, w) REFERENCES "Lager"."ArtikelGruppe" ("Nummer", "Werk")
);
CREATE TABLE "Lager"."Bewegung" (
  id uuid PRIMARY KEY, n bigint, w char(3), FOREIGN KEY (n, w) REFERENCES "Lager"."ArtikelGruppe" ("Nummer", "Werk")
);
CREATE TABLE "Lager"."Protokoll" (
  n bigint, w char(3), was text, FOREIGN KEY (n, w) REFERENCES "Lager"."ArtikelGruppe" ("Nummer", "Werk")
);
ALTER TABLE "Lager"."Protokoll" REPLICA IDENTITY FULL;
CREATE TABLE "Lager"."Messung" (
  stelle integer, tag date, wert numeric(9,3), PRIMARY KEY (stelle, tag)
) PARTITION BY RANGE (tag);
CREATE TABLE "Lager"."Messung_alt" PARTITION OF "Lager"."Messung" DEFAULT;
CREATE TABLE "Lager"."Lauf" (nr numeric PRIMARY KEY);`;

let database: ScratchDatabase;

beforeAll(async () => {
  database = await scratchDatabase();
  await database.sql(SCHEMA);
});

afterAll(async () => {
  await database.drop();
});

test('a drafted plan is accepted, fits its database, and reads and writes it', async () => {
  const catalogue = new PostgresCatalogue('lager', database.url);
  const root = await catalogue.describe('Lager.ArtikelGruppe');
  const names = root.referencedBy.map((reference) => reference.table);
  const children = await Promise.all(names.map((name) => catalogue.describe(name)));
  const text = renderDraft({
    ...{ root, children, kind: 'postgres', system: 'lager', topicPrefix: 'lager', owner: 'team', unit: null },
  });
  const { plans, faults } = parsePlans([{ file: 'plan.yaml', text }], { lager: { kind: 'postgres' } });
  expect(faults).toEqual([]);
  const [plan] = plans;
  if (plan === undefined) throw new Error('no plan');
  expect(plan).toMatchObject({ unit: 'artikel-gruppes', root: { key: ['Nummer', 'Werk'] } });
  expect(plan.root.ignore).toEqual(['masse', 'doppelt']);
  expect(plan.embeds.map(({ path, parentKey, key }) => ({ path, parentKey, key }))).toEqual([
    { path: 'texts', parentKey: ['n', 'w'], key: ['sprache', 'zeile'] },
  ]);
  expect(text).toContain('# not embedded: Lager.Bewegung, since');
  expect(text).toContain('# not embedded: Lager.Protokoll, since the table has no primary key');
  const tables = new Map([root, ...children].map((table) => [table.table, table]));
  expect(checkAgainstCatalogue(plan, tables)).toEqual([]);
  await catalogue.close();

  const store = new PostgresStore('lager', { url: database.url, slot: 'none' });
  const document = {
    root: {
      werk: 'A',
      nummer: '9007199254740993',
      yes: true,
      bezeichnungLang: 'Schraube',
      preis: '1.2500',
      rabatt: '12.50',
      farbe: 'green',
      dauer: 'P1M2DT3.5S',
      von: '10.0.0.1',
      eingang: '2024-01-01T00:00:00.123Z',
      zeit: '01:02:03.000004',
      daten: '{"a": 1}',
      bild: 'AAE=',
      wert: 'NaN',
      frei: '1.10',
    },
    embeds: { texts: [{ sprache: 'DE', zeile: 1, inhalt: 'hallo' }] },
  };
  const written = await store.write(plan, { kind: 'insert', document });
  const expected = { root: { ...document.root, eMail: 'x', lfd: '1' }, embeds: document.embeds };
  expect(written).toMatchObject({ kind: 'done', document: expected });
  expect(await store.readOne(plan, ['9007199254740993', 'A'])).toEqual(expected);
  await store.close();
});

test('a table that the log cannot follow is refused, and its remedy makes it fit', async () => {
  const catalogue = new PostgresCatalogue('lager', database.url);
  const draft = async (name: string): Promise<string> =>
    renderDraft({
      root: await catalogue.describe(name),
      ...{ children: [], kind: 'postgres', system: 'lager', topicPrefix: 'lager', owner: 'team', unit: null },
    });
  const { plans, faults } = parsePlans([{ file: 'plan.yaml', text: await draft('Lager.Messung') }]);
  expect(faults).toEqual([]);
  const [plan] = plans;
  if (plan === undefined) throw new Error('no plan');
  const check = async (): Promise<string> => {
    const tables = new Map([['Lager.Messung', await catalogue.describe('Lager.Messung')]]);
    return checkAgainstCatalogue(plan, tables)
      .map(({ message }) => message)
      .join('\n');
  };
  expect(await check()).toBe('');

  await database.sql('ALTER TABLE "Lager"."Messung_alt" REPLICA IDENTITY NOTHING');
  const fault = await check();
  expect(fault).toMatch(/of its partitions, Lager\.Messung_alt has REPLICA IDENTITY NOTHING/);
  await expect(draft('Lager.Messung')).rejects.toThrow(fault);
  const [remedy] = /ALTER TABLE \S+ REPLICA IDENTITY DEFAULT/.exec(fault) ?? [];
  if (remedy === undefined) throw new Error(`no remedy in "${fault}"`);
  await database.sql(remedy);
  expect(await check()).toBe('');

  await expect(draft('Lager.Lauf')).rejects.toThrow(
    /column nr of the primary key is numeric without a scale/,
  );
  await expect(draft('Lager.Protokoll')).rejects.toThrow(/has no primary key/);
  await catalogue.close();
});
