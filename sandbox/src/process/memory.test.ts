import { expect, test } from 'vitest';
import { groupMemory, groupOf, shareOf } from './memory.ts';
import { waitFor } from './poll.ts';
import { Supervisor } from './supervisor.ts';

test('the group stands behind a name of any kind', () => {
  expect(groupOf('4711 (a) b (c) S 1 4700 4700 0 -1')).toBe(4_700);
});

test('a share is given in KiB', () => {
  expect(shareOf('00400000-7ffd ---p\nRss:   900 kB\nPss:                 512 kB\nPss_Dirty:  3 kB\n')).toBe(
    524_288,
  );
  expect(shareOf('')).toBe(0);
});

test('a group is the leader with its children, and a leader that is gone uses nothing', async () => {
  const supervisor = new Supervisor();
  const holds = `const kept = Buffer.alloc(30e6, 1); setInterval(() => kept.length, 1e3); console.log('up')`;
  const child = supervisor.spawn({
    name: 'parent',
    command: 'sh',
    args: ['-c', `"${process.execPath}" -e "${holds}" & "${process.execPath}" -e "${holds}" & wait`],
  });
  const leader = child.pid ?? 0;
  try {
    await waitFor(
      'both children to hold their memory',
      async () => {
        const used = (await groupMemory([leader])).get(leader) ?? 0;
        if (used < 60e6) throw new Error(`${used} bytes`);
      },
      { timeoutMs: 30_000 },
    );
  } finally {
    await supervisor.stopAll();
  }
  // The run's end is the leader's end; the kernel takes a moment longer with the children that were killed with it.
  await expect
    .poll(async () => (await groupMemory([leader])).get(leader), { timeout: 30_000, interval: 20 })
    .toBe(0);
});
