import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SANDBOX } from '../paths.ts';
import { parseRequirement } from './requirement.ts';

const HASH = '0123456789abcdef'.repeat(4);

test('reads the name, the version and every hash, over comments and continued lines', () => {
  const text = `# why\n\nsome-db==1.2.3 \\\n    --hash=sha256:${HASH} \\\n    --hash=sha256:${HASH.replace('0', 'f')}\n`;
  expect(parseRequirement(text, 'x.txt')).toEqual({
    name: 'some-db',
    version: '1.2.3',
    hashes: [HASH, HASH.replace('0', 'f')],
  });
});

type Case = { text: string; message: string };

const faulty: Case[] = [
  { text: '# nothing\n', message: 'x.txt: 0 packages; legal is one' },
  { text: 'a==1\nb==2\n', message: 'x.txt: 2 packages; legal is one' },
  { text: `a>=1 --hash=sha256:${HASH}`, message: "is not '<name>==<version>" },
  { text: 'a==1', message: 'x.txt: a 1 has no --hash' },
  { text: 'a==1 --hash=sha256:0123', message: 'x.txt: a 1 has no --hash' },
];

test.each(faulty)('refuses $text', ({ text, message }) => {
  expect(() => parseRequirement(text, 'x.txt')).toThrow(message);
});

describe('every checked-in requirement is pinned', () => {
  const files = readdirSync(join(SANDBOX, 'pip')).map((name) => join(SANDBOX, 'pip', name));
  test.each(files)('%s', (file) => {
    expect(parseRequirement(readFileSync(file, 'utf8'), file).hashes).not.toHaveLength(0);
  });
});
