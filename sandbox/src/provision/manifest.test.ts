import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareManifests, formatManifest, hashFolder, parseManifest } from './manifest.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

test('what is formatted parses to the same', () => {
  const digest = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
  const path = fc.stringMatching(/^[\w./-]{1,30}$/);
  fc.assert(
    fc.property(fc.dictionary(path, digest), (files) => {
      const manifest = new Map(Object.entries(files));
      const parsed = parseManifest(formatManifest(manifest), 'SUMS');
      expect(compareManifests(manifest, parsed)).toEqual([]);
    }),
  );
});

type Faulty = { text: string; message: string };

const faulty: Faulty[] = [
  { text: `${A}  a.jar\nabc  b.jar\n`, message: "SUMS:2: 'abc  b.jar' is not '<sha256>  <path>'" },
  { text: `${A}\n`, message: `SUMS:1: '${A}' is not` },
  { text: `${A.toUpperCase()}  a.jar`, message: 'SUMS:1' },
  { text: `${A}  a.jar\n${B}  a.jar\n`, message: "SUMS:2: 'a.jar' is listed twice" },
];

test.each(faulty)('names the faulty line: $message', ({ text, message }) => {
  expect(() => parseManifest(text, 'SUMS')).toThrow(message);
});

type Difference = { title: string; landed: [string, string][]; faults: string[] };

const differences: Difference[] = [
  { title: 'nothing', landed: [['a.jar', A]], faults: [] },
  { title: 'a missing file', landed: [], faults: ['a.jar is pinned but did not land'] },
  { title: 'another digest', landed: [['a.jar', B]], faults: [`a.jar has sha256 ${B}, pinned is ${A}`] },
  {
    title: 'a file nobody pinned',
    landed: [
      ['a.jar', A],
      ['evil.jar', B],
    ],
    faults: ['evil.jar landed but is not pinned'],
  },
];

test.each(differences)('$title is told', ({ landed, faults }) => {
  expect(compareManifests(new Map([['a.jar', A]]), new Map(landed))).toEqual(faults);
});

test('a folder is hashed with all that lies below it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ficus-test-'));
  await mkdir(join(folder, 'deep', 'er'), { recursive: true });
  await writeFile(join(folder, 'deep', 'er', 'x.jar'), 'abc');
  await writeFile(join(folder, 'empty'), '');
  expect(Object.fromEntries(await hashFolder(folder))).toEqual({
    // The well-known digests of 'abc' and of nothing, from FIPS 180.
    'deep/er/x.jar': 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    empty: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  });
  await rm(folder, { recursive: true });
});
