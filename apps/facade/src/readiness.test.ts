import { describe, expect, it } from 'vitest';
import type { Readiness } from '#observability/health.controller';
import { readinessOf } from './readiness.ts';

interface Case {
  readonly why: string;
  readonly known: boolean;
  readonly up: readonly boolean[];
  readonly status: Readiness['status'];
}

const cases: readonly Case[] = [
  { why: 'everything answers', known: true, up: [true, true], status: 'up' },
  { why: 'one of two is away', known: true, up: [false, true], status: 'degraded' },
  { why: 'all are away', known: true, up: [false, false], status: 'down' },
  { why: 'no unit is known yet', known: false, up: [false, true], status: 'down' },
  { why: 'nothing was asked yet', known: false, up: [], status: 'down' },
];

describe('readinessOf', () => {
  it.each(cases)('is $status when $why', ({ known, up, status }) => {
    const states = up.map((one, index) => ({ name: `d${index}`, up: one, since: '', reason: null }));
    expect(readinessOf(known, states)).toEqual({ status, dependencies: states });
  });
});
