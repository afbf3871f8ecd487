/** A table and one that is embedded in its documents, and one that only fills the log. */
export const SCHEMA = `
CREATE TABLE item (id bigint PRIMARY KEY, name text NOT NULL, price numeric(12,2));
CREATE TABLE part (item_id bigint NOT NULL, no integer NOT NULL, name text, PRIMARY KEY (item_id, no));
CREATE TABLE filler (text text);
INSERT INTO item SELECT g, 'item ' || g, g FROM generate_series(1, 3000) g;
INSERT INTO part SELECT g, n, 'part ' || n FROM generate_series(1, 3000) g, generate_series(1, 2) n;`;

/** Every kind of change, by rows of its own; the first digit tells the round. */
export const changes = (round: number): string => `
INSERT INTO item VALUES (${round}0001, 'inserted', 1), (${round}0002, 'inserted and deleted', 2);
DELETE FROM item WHERE id = ${round}0002;
UPDATE item SET name = 'updated ${round}' WHERE id % 100 = ${round};
DELETE FROM item WHERE id % 100 = ${round + 10};
DELETE FROM part WHERE item_id % 100 = ${round + 10};
DELETE FROM part WHERE item_id % 100 = ${round + 20} AND no = 2;
UPDATE part SET name = 'updated ${round}' WHERE item_id % 100 = ${round + 30} AND no = 1;
INSERT INTO part SELECT id, 3, 'inserted' FROM item WHERE id % 100 = ${round + 40};
DELETE FROM item WHERE id % 100 = ${round + 50};
INSERT INTO item SELECT g, 'came back', ${round} FROM generate_series(1, 3000) g WHERE g % 100 = ${round + 50};
UPDATE item SET id = id + ${round}000000 WHERE id % 100 = ${round + 60};`;

/** A unit `SYSTEM-items` of both. */
export const planText = (system: string): string => `
unit: ${system}-items
owner: test
description: Items
mode: RW
legacy: { system: ${system}, table: public.item, key: [id], version: lsn }
topic: ${system}.public.item
collection: ${system}_items
fields:
  id: { column: id, type: long, required: true }
  name: { column: name, type: string, required: true }
  price: { column: price, type: decimal, precision: 12, scale: 2 }
embed:
  parts:
    table: public.part
    topic: ${system}.public.part
    parentKey: [item_id]
    key: [no]
    fields:
      no: { column: no, type: int, required: true }
      name: { column: name, type: string }
`;
