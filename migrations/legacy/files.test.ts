import { expect, test } from 'vitest';
import { missingFiles, statementsOf } from './files.ts';

test('cuts a file into statements', () => {
  const text =
    "-- one; two;\nCREATE TABLE a (\n  x text DEFAULT ';'\n);\n\nINSERT INTO a VALUES ('a;b');  \n-- end\n";
  expect(statementsOf(text)).toEqual([
    "CREATE TABLE a (\n  x text DEFAULT ';'\n)",
    "INSERT INTO a VALUES ('a;b')",
  ]);
});

test.each(['postgres', 'db2'] as const)('knows the files of %s by number', (kind) => {
  const names = missingFiles(kind, new Set()).map((file) => file.name);
  expect(names[0]).toBe('0001-control.sql');
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, index) => index + 1));
  expect(missingFiles(kind, new Set(names))).toEqual([]);
});
