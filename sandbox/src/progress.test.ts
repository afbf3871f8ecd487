import { describe, expect, test } from 'vitest';
import { formatBytes, formatElapsed, formatShare, Progress } from './progress.ts';

type Case = { ms: number; text: string };

const elapsed: Case[] = [
  { ms: 0, text: '0 ms' },
  { ms: 999, text: '999 ms' },
  { ms: 1_000, text: '1.0 s' },
  { ms: 59_949, text: '59.9 s' },
  { ms: 59_950, text: '1 min 00 s' },
  { ms: 65_000, text: '1 min 05 s' },
  { ms: 3_600_000, text: '60 min 00 s' },
];

test.each(elapsed)('$ms ms is shown as $text', ({ ms, text }) => {
  expect(formatElapsed(ms)).toBe(text);
});

test('sizes are decimal and a share never exceeds the whole', () => {
  expect(formatBytes(35_411_575)).toBe('35.4 MB');
  expect(formatShare(12e6, 36e6)).toBe('12.0 of 36.0 MB (33 %)');
  expect(formatShare(40e6, 36e6)).toBe('36.0 of 36.0 MB (100 %)');
});

describe('a step', () => {
  test('thins out its updates but always shows its end', () => {
    const lines: string[] = [];
    let now = 0;
    const step = new Progress(
      (line) => lines.push(line),
      () => now,
    ).step('kafka');
    for (now = 500; now <= 4_500; now += 500) step.update(`at ${now}`);
    step.done('answers');
    expect(lines).toEqual([
      '   0.5 s  kafka       at 500, 500 ms',
      '   2.5 s  kafka       at 2500, 2.5 s',
      '   4.5 s  kafka       at 4500, 4.5 s',
      '   5.0 s  kafka       answers in 5.0 s',
    ]);
  });

  test('says after how long it failed', () => {
    const lines: string[] = [];
    new Progress(
      (line) => lines.push(line),
      () => 0,
    )
      .step('mongo')
      .failed('no such file');
    expect(lines).toEqual(['   0.0 s  mongo       FAILED after 0 ms: no such file']);
  });
});
