import { describe, expect, it } from 'vitest';
import type { FicusError } from '#core/errors';
import { flipBody, limitQuery, parse, verifyBody } from './body.ts';

interface Case {
  readonly name: string;
  readonly body: unknown;
  readonly pointers: readonly string[];
}

const CASES: readonly Case[] = [
  { name: 'nothing', body: undefined, pointers: [''] },
  { name: 'an array', body: [], pointers: [''] },
  { name: 'no member', body: {}, pointers: ['/to', '/reason'] },
  { name: 'a phase that is none', body: { to: 'heaven', reason: 'x' }, pointers: ['/to'] },
  { name: 'blanks as a reason', body: { to: 'offload', reason: '  ' }, pointers: ['/reason'] },
  {
    name: 'three faults at once',
    body: { to: 1, reason: '', dryRun: 'yes' },
    pointers: ['/to', '/reason', '/dryRun'],
  },
  {
    name: 'members that are none, escaped',
    body: { to: 'offload', reason: 'x', force: true, 'a/b~c': 1 },
    pointers: ['/force', '/a~1b~0c'],
  },
];

describe('parse', () => {
  it.each(CASES)('names every fault of $name', ({ body, pointers }) => {
    let thrown: unknown = null;
    try {
      parse(flipBody, body);
    } catch (error) {
      thrown = error;
    }
    expect((thrown as FicusError).code).toBe('body_invalid');
    expect((thrown as FicusError).faults.map((fault) => fault.pointer)).toEqual(pointers);
    for (const { message } of (thrown as FicusError).faults) expect(message).not.toBe('');
  });

  it('fills in what may be left out', () => {
    expect(parse(flipBody, { to: 'offload', reason: ' because ' })).toEqual({
      to: 'offload',
      reason: 'because',
      dryRun: false,
    });
    expect(parse(limitQuery, {})).toEqual({ limit: 50 });
    expect(parse(limitQuery, { limit: '7' })).toEqual({ limit: 7 });
    expect(parse(verifyBody, undefined)).toBeUndefined();
  });
});
