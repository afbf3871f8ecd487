import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort, portsFrom, savedPort } from './ports.ts';

const listening: Server[] = [];
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ficus-test-'));
});

afterEach(async () => {
  for (const server of listening.splice(0)) server.close();
  await rm(folder, { recursive: true });
});

async function listen(port: number): Promise<void> {
  const server = createServer();
  listening.push(server);
  server.listen({ host: '127.0.0.1', port });
  await once(server, 'listening');
}

test('from any start, every port of the range is tried exactly once', () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 0, max: 50 }))
    .filter(([first, size]) => first + size <= 65_535)
    .chain(([first, size]) =>
      fc.record({
        first: fc.constant(first),
        last: fc.constant(first + size),
        start: fc.integer({ min: first, max: first + size }),
      }),
    );
  fc.assert(
    fc.property(range, ({ first, last, start }) => {
      const ports = [...portsFrom(start, first, last)];
      expect(ports[0]).toBe(start);
      expect(ports.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: last - first + 1 }, (_, i) => first + i),
      );
    }),
  );
});

test('a port is handed out once, even before anything listens on it', async () => {
  const ports = await Promise.all(Array.from({ length: 10 }, () => freePort(() => 0.5)));
  expect(new Set(ports).size).toBe(10);
});

test('a port on which something listens is passed over', async () => {
  const busy = await freePort(() => 0.25);
  await listen(busy + 1);
  expect(await freePort(() => 0.25)).toBeGreaterThan(busy + 1);
});

test('a folder keeps its port, and says so when it is taken', async () => {
  const file = join(folder, 'port');
  const port = await savedPort(file);
  expect(await savedPort(file)).toBe(port);
  await listen(port);
  await expect(savedPort(file)).rejects.toThrow(`port ${port}, kept in ${file}, is in use`);
});
