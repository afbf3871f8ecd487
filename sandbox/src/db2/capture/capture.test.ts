import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Db2Session, Row } from '#legacy/db2/driver';
import { Capture } from './capture.ts';
import { Connector } from './connector.ts';
import { Publisher } from './publisher.ts';
import { StateFile } from './state.ts';

const BEFORE = { 'topic.prefix': 'plant', 'snapshot.mode': 'no_data' };
const AFTER = { ...BEFORE, 'heartbeat.interval.ms': '5' };

let dataDir = '';

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ficus-test-'));
});

afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

/** A database without tables whose log is empty. @param reading is waited for whenever the log is read. */
function session(reading: () => Promise<void> = async () => undefined): Db2Session {
  return {
    async query(sql): Promise<readonly Row[]> {
      if (sql.includes('ORDER BY IBMSNAP_COMMITSEQ')) await reading();
      return sql.includes('SYSCS_PEEK_AT_SEQUENCE') ? [{ 1: '7' }] : [];
    },
    execute: async () => 0,
    begin: async () => undefined,
    commit: async () => undefined,
    rollback: async () => undefined,
    close: async () => undefined,
  };
}

function capture(reading?: () => Promise<void>): Capture {
  const sessions = { log: session(reading), snapshot: session(), chores: session() };
  return new Capture({
    sessions,
    publisher: new Publisher('127.0.0.1:1', 'test'),
    database: 'PLANT',
    dataDir,
  });
}

const stored = async (): Promise<unknown> =>
  (await new StateFile(Connector.path(dataDir, 'plant')).read())?.config;

describe('a capture', () => {
  it('gives a connector another configuration only between its steps', async () => {
    const started = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    const sut = capture(async () => {
      started.resolve();
      await opened.promise;
    });
    expect(await sut.put('plant', BEFORE)).toBe('created');
    const running = sut.run();
    await started.promise;
    const changing = sut.put('plant', AFTER);
    expect(sut.connectors.get('plant')?.config).toEqual(BEFORE);
    opened.resolve();
    expect(await changing).toBe('changed');
    sut.stop();
    await running;
    expect(sut.connectors.get('plant')?.config).toEqual(AFTER);
    expect(await stored()).toEqual(AFTER);
  });

  it('makes one connector of two requests for the same name', async () => {
    const sut = capture();
    expect(await Promise.all([sut.put('plant', BEFORE), sut.put('plant', AFTER)])).toEqual([
      'created',
      'changed',
    ]);
    expect(await stored()).toEqual(AFTER);
  });

  it('refuses a configuration that is none, and keeps the one it has', async () => {
    const sut = capture();
    await sut.put('plant', BEFORE);
    await expect(sut.put('plant', {})).rejects.toThrow('topic.prefix is ""');
    expect(await stored()).toEqual(BEFORE);
  });

  it('goes on with the connectors of an earlier run, and removes what a kill left half written', async () => {
    await capture().put('plant', BEFORE);
    await writeFile(`${Connector.path(dataDir, 'plant')}.1.new`, '{"config":');
    const sut = capture();
    await sut.open();
    expect([...sut.connectors.keys()]).toEqual(['plant']);
    expect(await readdir(dataDir)).toEqual(['connector-plant.json']);
  });
});
