import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { closedFolder, parseAccounts } from './account.ts';

test('accounts are read from the lines that have a name and numbers', () => {
  const passwd =
    'root:x:0:0:root:/root:/bin/bash\n# note\nnobody:x:65534:65533::/:/usr/sbin/nologin\n+::::::\n\n';
  expect(parseAccounts(passwd)).toEqual([
    { name: 'root', uid: 0, gid: 0 },
    { name: 'nobody', uid: 65_534, gid: 65_533 },
  ]);
});

test('the outermost closed folder is named', async () => {
  const stranger = { name: 'stranger', uid: 64_000, gid: 64_000 };
  const root = await mkdtemp(join(tmpdir(), 'ficus-test-'));
  const inner = join(root, 'closed', 'inner');
  await mkdir(inner, { recursive: true });
  await chmod(root, 0o711);
  expect(await closedFolder(stranger, inner)).toBeUndefined();
  await chmod(inner, 0o700);
  await chmod(join(root, 'closed'), 0o750);
  expect(await closedFolder(stranger, inner)).toBe(join(root, 'closed'));
  await rm(root, { recursive: true });
});
