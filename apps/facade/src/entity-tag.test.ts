import { describe, expect, it } from 'vitest';
import { entityTag, isNoneOf } from './entity-tag.ts';

describe('entity tag', () => {
  it('is strong and of the bytes', () => {
    expect(entityTag('{"a":"ä"}')).toMatch(/^"[A-Za-z0-9_-]{43}"$/);
    expect(entityTag('{"a":"ä"}')).toBe(entityTag('{"a":"ä"}'));
    expect(entityTag('{"a":"a"}')).not.toBe(entityTag('{"a":"ä"}'));
  });

  interface Case {
    readonly header: string | undefined;
    readonly none: boolean;
  }
  const cases: readonly Case[] = [
    { header: undefined, none: true },
    { header: '"x"', none: false },
    { header: 'W/"x"', none: false },
    { header: '"y", "x"', none: false },
    { header: '"y"', none: true },
    { header: '*', none: false },
  ];
  it.each(cases)('If-None-Match: $header', ({ header, none }) => {
    expect(isNoneOf(header, '"x"')).toBe(none);
  });
});
