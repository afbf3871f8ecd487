import { describe, expect, it } from 'vitest';
import type { LogRecord } from '#debezium/log-record';
import { Combiner } from './combiner.ts';

function records(topic: string, count: number): readonly LogRecord[] {
  return Array.from({ length: count }, (_, offset) => ({
    topic,
    partition: 0,
    offset: BigInt(offset),
    key: null,
    value: null,
  }));
}

/** An apply that waits until it is let through, and notes what it was given. */
class Gate {
  readonly batches: (readonly LogRecord[])[] = [];
  #open: (() => void)[] = [];

  readonly apply = (batch: readonly LogRecord[]): Promise<void> => {
    this.batches.push(batch);
    return new Promise((resolve) => this.#open.push(resolve));
  };

  letThrough(): void {
    this.#open.shift()?.();
  }

  sizes(): readonly number[] {
    return this.batches.map((batch) => batch.length);
  }
}

describe('Combiner', () => {
  it('applies at once what came while it was busy, in the order of coming', async () => {
    const gate = new Gate();
    const sut = new Combiner(gate.apply);
    const first = sut.submit(records('a', 1));
    const rest = [sut.submit(records('b', 2)), sut.submit(records('c', 3))];
    expect(gate.sizes()).toEqual([1]);
    gate.letThrough();
    await first;
    await expect.poll(() => gate.sizes()).toEqual([1, 5]);
    expect(gate.batches[1]?.map(({ topic, offset }) => topic + offset)).toEqual([
      'b0',
      'b1',
      'c0',
      'c1',
      'c2',
    ]);
    gate.letThrough();
    await Promise.all(rest);
  });

  it('never cuts a submission, and never grows beyond its size but for one', async () => {
    const gate = new Gate();
    const sut = new Combiner(gate.apply);
    const all = [1, 3_000, 1_000, 1, 9_000].map((count) => sut.submit(records('a', count)));
    for (const expected of [[1], [1, 4_000], [1, 4_000, 1], [1, 4_000, 1, 9_000]]) {
      await expect.poll(() => gate.sizes()).toEqual(expected);
      gate.letThrough();
    }
    await Promise.all(all);
  });

  it('has as many batches on their way as it is told, of records that are worth one', async () => {
    const gate = new Gate();
    let lanes = 2;
    const sut = new Combiner(
      gate.apply,
      () => lanes,
      () => 1_000,
    );
    const all = [1_000, 900, 1_000, 500].map((count) => sut.submit(records('a', count)));
    expect(gate.sizes()).toEqual([1_000, 900]);
    gate.letThrough();
    await all[0];
    await expect.poll(() => gate.sizes()).toEqual([1_000, 900, 1_000]);
    lanes = 1;
    gate.letThrough();
    await all[1];
    expect(gate.sizes()).toEqual([1_000, 900, 1_000]);
    gate.letThrough();
    await expect.poll(() => gate.sizes()).toEqual([1_000, 900, 1_000, 500]);
    gate.letThrough();
    await Promise.all(all);
  });

  it('lets a few records wait for those that come next, up to a size', async () => {
    const gate = new Gate();
    const sut = new Combiner(
      gate.apply,
      () => 3,
      () => 1_000,
    );
    const all = [10, 100, 100].map((count) => sut.submit(records('a', count)));
    expect(gate.sizes()).toEqual([10]);
    all.push(sut.submit(records('b', 100)));
    expect(gate.sizes()).toEqual([10, 300]);
    all.push(...[400, 700].map((count) => sut.submit(records('c', count))));
    expect(gate.sizes()).toEqual([10, 300, 400]);
    gate.letThrough();
    await all[0];
    await expect.poll(() => gate.sizes()).toEqual([10, 300, 400, 700]);
    for (let open = 0; open < 3; open++) gate.letThrough();
    await Promise.all(all);
  });

  it('runs a job between batches, with none beside it, and before those that wait', async () => {
    const gate = new Gate();
    const sut = new Combiner(
      gate.apply,
      () => 2,
      () => 1_000,
    );
    const before = [sut.submit(records('a', 1)), sut.submit(records('b', 500))];
    let finish = (): void => undefined;
    let began = false;
    const job = sut.alone(async () => {
      began = true;
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return 'done';
    });
    const after = sut.submit(records('c', 3));
    gate.letThrough();
    await before[0];
    expect([began, gate.sizes()]).toEqual([false, [1, 500]]);
    gate.letThrough();
    await expect.poll(() => began).toBe(true);
    expect(gate.sizes()).toEqual([1, 500]);
    finish();
    expect(await job).toBe('done');
    await expect.poll(() => gate.sizes()).toEqual([1, 500, 3]);
    gate.letThrough();
    await after;
  });

  it('goes on after a job that failed', async () => {
    const sut = new Combiner(async () => undefined);
    await expect(sut.alone(async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(sut.submit(records('a', 1))).resolves.toBeUndefined();
  });

  it('rejects all of a batch that failed, and goes on with the next', async () => {
    let failing = true;
    const sut = new Combiner(async () => {
      if (failing) throw new Error('away');
    });
    await expect(sut.submit(records('a', 1))).rejects.toThrow('away');
    failing = false;
    await expect(sut.submit(records('a', 1))).resolves.toBeUndefined();
  });
});
