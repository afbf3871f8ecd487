import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeJson, isObject, JsonNumber, type JsonValue, mergePatch, parseJson } from './json-text.ts';

describe('parseJson', () => {
  it.each(['12345678901234567890', '0.10', '1e400', '-0', '12.3456789012345678901'])(
    'keeps the text of %s',
    (text) => {
      expect(parseJson(`{"a":[${text}]}`)).toEqual({ a: [new JsonNumber(text)] });
    },
  );

  it.each(['', ' ', '{', '{"a":01}', 'nul', '{"a":1,}'])('refuses %j', (text) => {
    expect(() => parseJson(text)).toThrow(
      expect.objectContaining({ code: 'body_invalid', faults: [expect.objectContaining({ pointer: '' })] }),
    );
  });

  it('survives an attack by depth', () => {
    expect(() => parseJson('['.repeat(500_000) + ']'.repeat(500_000))).toThrow(
      expect.objectContaining({ code: 'body_invalid' }),
    );
  });

  it('describes what stands there', () => {
    expect(['1.50', '[]', '{}', '"x"', 'null'].map((text) => describeJson(parseJson(text)))).toEqual([
      'the number 1.50',
      'an array',
      'an object',
      '"x"',
      'null',
    ]);
  });
});

describe('mergePatch', () => {
  interface Case {
    readonly target: JsonValue;
    readonly patch: JsonValue;
    readonly result: JsonValue;
  }
  const cases: readonly Case[] = [
    { target: { a: 'b' }, patch: { a: 'c' }, result: { a: 'c' } },
    { target: { a: 'b' }, patch: { b: 'c' }, result: { a: 'b', b: 'c' } },
    { target: { a: 'b', b: 'c' }, patch: { a: null }, result: { b: 'c' } },
    { target: { a: ['b'] }, patch: { a: 'c' }, result: { a: 'c' } },
    { target: { a: { b: 'c' } }, patch: { a: { b: 'd', c: null } }, result: { a: { b: 'd' } } },
    { target: { a: [{ b: 'c' }] }, patch: { a: [false] }, result: { a: [false] } },
    { target: { e: null }, patch: { a: true }, result: { e: null, a: true } },
    { target: ['a'], patch: { a: 'b', c: null }, result: { a: 'b' } },
    { target: {}, patch: { a: { bb: { ccc: null } } }, result: { a: { bb: {} } } },
    { target: { a: 'foo' }, patch: null, result: null },
  ];
  it.each(cases)('$target + $patch = $result', ({ target, patch, result }) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  const values = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constant(null),
      fc.boolean(),
      fc.string(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), tie('value')),
    ),
  })).value;

  it('is idempotent', () => {
    fc.assert(
      fc.property(values, values, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  it('changes nothing with an empty patch of an object, and never the target itself', () => {
    fc.assert(
      fc.property(values.filter(isObject), values, (target, patch) => {
        const before = JSON.stringify(target);
        expect(mergePatch(target, {})).toEqual(target);
        mergePatch(target, patch);
        expect(JSON.stringify(target)).toBe(before);
      }),
    );
  });

  it('leaves no member that the patch removes', () => {
    fc.assert(
      fc.property(values, values.filter(isObject), (target, patch) => {
        const merged = mergePatch(target, patch);
        for (const [name, value] of Object.entries(patch))
          expect(isObject(merged) && Object.hasOwn(merged, name)).toBe(value !== null);
      }),
    );
  });
});
