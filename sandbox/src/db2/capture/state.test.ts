import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConnectorState, StateFile } from './state.ts';

const SAVES = 100;

let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ficus-test-'));
  path = join(folder, 'connector-plant.json');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The higher its number, the shorter: a text written over a longer one would not end where it should. */
const state = (number: number): ConnectorState => ({
  config: { 'topic.prefix': 'plant', filler: 'x'.repeat((SAVES - number) * 100) },
  snapshotted: true,
  commit: String(number),
  change: null,
  incremental: [],
});

describe("a connector's state", () => {
  it('is whole whenever it is read, and the last one asked for in the end, however many are saved at once', async () => {
    const sut = new StateFile(path);
    await sut.save(state(0));
    const saves = Array.from({ length: SAVES }, (_, number) => sut.save(state(number + 1)));
    const saving = Promise.all(saves).then(() => 'saved');
    const seen: bigint[] = [];
    while ((await Promise.race([saving, readFile(path, 'utf8')])) !== 'saved') {
      const found = await new StateFile(path).read();
      seen.push(BigInt(found?.commit ?? -1));
    }
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual([...seen].sort((a, b) => Number(a - b)));
    expect(await sut.read()).toEqual(state(SAVES));
    expect(await readdir(folder)).toEqual(['connector-plant.json']);
  });

  it('is whole even if two write it that know nothing of each other', async () => {
    const writers = [new StateFile(path), new StateFile(path)];
    await Promise.all(
      writers.flatMap((writer) =>
        Array.from({ length: SAVES / 4 }, (_, number) => writer.save(state(number))),
      ),
    );
    expect(await new StateFile(path).read()).toEqual(state(SAVES / 4 - 1));
    expect(await readdir(folder)).toEqual(['connector-plant.json']);
  });

  it('is saved though the save before it failed, which its caller is told', async () => {
    const later = join(folder, 'later');
    const sut = new StateFile(join(later, 'connector-plant.json'));
    await expect(sut.save(state(1))).rejects.toThrow('ENOENT');
    await mkdir(later);
    await sut.save(state(2));
    expect(await sut.read()).toEqual(state(2));
  });

  it('is none when there is no file, and a fault when there is one that is no state', async () => {
    const sut = new StateFile(path);
    expect(await sut.read()).toBeNull();
    await writeFile(path, '{"config":');
    await expect(sut.read()).rejects.toThrow('JSON');
  });
});
