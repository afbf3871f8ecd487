import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db2Session } from '#legacy/db2/driver';
import { openSession } from '#legacy/db2/driver';
import { Random } from './random.ts';

/** The plant's database of the demonstration: Db2 in its ways, run on the stand-in (see sandbox/src/db2). */
export interface PlantSize {
  readonly parts: number;
  /** Lifecycle events of each part. */
  readonly events: number;
}

export const PLANT_SIZE: PlantSize = { parts: 20_000, events: 4 };

const TABLES = [
  'CREATE SCHEMA PLANT',
  `CREATE TABLE PLANT.PART (
    PART_NO      CHAR(12)      NOT NULL PRIMARY KEY,
    SERIAL_NO    BIGINT        NOT NULL,
    DESCRIPTION  VARCHAR(80)   NOT NULL,
    MATERIAL     CHAR(6),
    WEIGHT_KG    DECIMAL(12,4) NOT NULL,
    PRICE        DECIMAL(31,2),
    STATUS       VARCHAR(10)   NOT NULL,
    RELEASED_ON  DATE,
    CHANGED_AT   TIMESTAMP     NOT NULL,
    ROW_VERSION  BIGINT
  )`,
  `CREATE TABLE PLANT.LIFECYCLE_EVENT (
    PART_NO      CHAR(12)      NOT NULL,
    EVENT_NO     INTEGER       NOT NULL,
    KIND         VARCHAR(12)   NOT NULL,
    HAPPENED_AT  TIMESTAMP     NOT NULL,
    PLACE        CHAR(4),
    QUANTITY     DECIMAL(9,3),
    REMARK       VARCHAR(100),
    PRIMARY KEY (PART_NO, EVENT_NO),
    FOREIGN KEY (PART_NO) REFERENCES PLANT.PART
  )`,
];

/** Made after the load, which brings the first versions with it: one never-restarting sequence for all rows. */
function versionTriggers(next: number): string[] {
  return [
    `CREATE SEQUENCE PLANT.VERSIONS AS BIGINT START WITH ${next}`,
    `CREATE TRIGGER PLANT.PART_INSERTED AFTER INSERT ON PLANT.PART REFERENCING NEW AS N FOR EACH ROW
      UPDATE PLANT.PART SET ROW_VERSION = NEXT VALUE FOR PLANT.VERSIONS WHERE PART_NO = N.PART_NO`,
    `CREATE TRIGGER PLANT.PART_CHANGED
      AFTER UPDATE OF SERIAL_NO, DESCRIPTION, MATERIAL, WEIGHT_KG, PRICE, STATUS, RELEASED_ON, CHANGED_AT ON PLANT.PART
      REFERENCING NEW AS N FOR EACH ROW
      UPDATE PLANT.PART SET ROW_VERSION = NEXT VALUE FOR PLANT.VERSIONS WHERE PART_NO = N.PART_NO`,
  ];
}

const DESCRIPTIONS = [
  'Zahnrad gehärtet',
  'Vis à tête fraisée',
  '軸受ハウジング',
  'Гидроцилиндр',
  'Čep závěsu',
  'Bearing, "sealed"',
  'Lager Ø40 – ½"',
] as const;
const MATERIALS = ['42CRMO', 'AL6061', 'PA66', 'X5', null] as const;
const STATUSES = ['ACTIVE', 'ACTIVE', 'PHASEOUT', 'BLOCKED'] as const;
const KINDS = ['CAST', 'MACHINED', 'INSPECTED', 'SHIPPED', 'RETURNED'] as const;

/** Makes tables and rows. @param url ibm_db's connection string of the owner. @param folder for the files to load. */
export async function createPlant(
  url: string,
  { folder, seed, size }: { folder: string; seed: number; size: PlantSize },
  said: (text: string) => void,
): Promise<void> {
  const session = await openSession(url);
  try {
    for (const statement of TABLES) await session.execute(statement);
    const { parts, events } = plantRows(seed, size);
    said(`PLANT.PART: ${await load(session, folder, 'PART', parts)} rows`);
    said(`PLANT.LIFECYCLE_EVENT: ${await load(session, folder, 'LIFECYCLE_EVENT', events)} rows`);
    for (const statement of versionTriggers(size.parts + 1)) await session.execute(statement);
  } finally {
    await session.close();
  }
}

export function partNo(index: number): string {
  return `P-${String(index).padStart(8, '0')}`;
}

type Cells = readonly (string | null)[];

function plantRows(seed: number, size: PlantSize): { parts: Cells[]; events: Cells[] } {
  const random = new Random(seed);
  const parts: Cells[] = [];
  const events: Cells[] = [];
  for (let index = 0; index < size.parts; index++) {
    parts.push([
      partNo(index),
      String(9_007_199_254_740_993n + BigInt(index)),
      `${random.pick(DESCRIPTIONS)} ${index}`,
      random.pick(MATERIALS),
      `${random.whole(0, 9_999)}.${random.digits(4)}`,
      random.chance(0.9) ? `${random.digits(random.whole(1, 20))}.${random.digits(2)}` : null,
      random.pick(STATUSES),
      random.chance(0.8) ? `${random.whole(1990, 2026)}-0${random.whole(1, 9)}-1${random.whole(0, 9)}` : null,
      stamp(random),
      String(index + 1),
    ]);
    for (let event = 1; event <= size.events; event++) {
      events.push([
        partNo(index),
        String(event),
        random.pick(KINDS),
        stamp(random),
        random.chance(0.7) ? `W${random.digits(2)}` : null,
        random.chance(0.5) ? `${random.whole(0, 999)}.${random.digits(3)}` : null,
        random.chance(0.4) ? `${random.pick(DESCRIPTIONS)}, Charge ${random.digits(5)}` : null,
      ]);
    }
  }
  return { parts, events };
}

/** By the server's own loader, as an operator of the real one would: rows through the driver take minutes. */
async function load(
  session: Db2Session,
  folder: string,
  table: string,
  rows: readonly Cells[],
): Promise<number> {
  const file = join(folder, `${table.toLowerCase()}.csv`);
  await writeFile(file, rows.map((row) => `${row.map(cell).join(',')}\n`).join(''));
  await session.execute(
    `CALL SYSCS_UTIL.SYSCS_IMPORT_TABLE('PLANT', '${table}', '${file}', ',', '"', 'UTF-8', 0)`,
  );
  return rows.length;
}

function cell(value: string | null): string {
  return value === null ? '' : `"${value.replaceAll('"', '""')}"`;
}

function stamp(random: Random): string {
  const two = (low: number, high: number): string => String(random.whole(low, high)).padStart(2, '0');
  return `20${two(15, 26)}-${two(1, 12)}-${two(1, 28)} ${two(0, 23)}:${two(0, 59)}:${two(0, 59)}.${String(random.whole(0, 999_999)).padStart(6, '0')}`;
}
