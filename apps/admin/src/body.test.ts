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

  it.each([
    { body: { to: 'heaven', reason: 'x' }, message: /^"heaven" is not legal here; legal is legacy, offload/ },
    { body: { reason: 'x' }, message: /^is missing; legal is legacy, offload/ },
    { body: { to: 'offload', reason: 7 }, message: /^7 is not legal here; legal is a value of type string$/ },
    { body: { to: 'offload', reason: ' ' }, message: /^must say why/ },
    {
      body: { to: 'offload', reason: 'x'.repeat(1_001) },
      message: /is not legal here; legal is at most 1000 char/,
    },
  ])('says what was sent and what is legal: $message', ({ body, message }) => {
    expect(() => parse(flipBody, body)).toThrow(
      expect.objectContaining({
        faults: [expect.objectContaining({ message: expect.stringMatching(message) })],
      }),
    );
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
