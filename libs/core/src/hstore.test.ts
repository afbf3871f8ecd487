import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FicusError } from './errors.ts';
import { canonicalHstore, hstoreText, readHstore } from './hstore.ts';

const text = fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('\u0000'));
const pairs = fc.dictionary(
  fc.oneof(text, fc.constantFrom('__proto__', '1', '"', '\\')),
  fc.option(fc.oneof(text, fc.constantFrom('NULL', '"', '\\', '=>', ', ')), { nil: null }),
);

describe('an hstore', () => {
  it("has one text, whatever order and blanks the source's has", () => {
    const canonical = '{"10":"x","9":"","a":"1","b c":null,"é":"\\"\\\\"}';
    expect(canonicalHstore('{ "b c": null, "é": "\\"\\\\", "a": "1", "9": "", "10": "x" }')).toBe(canonical);
    expect(readHstore('"9"=>"", "a"=>"1", "é"=>"\\"\\\\", "10"=>"x", "b c"=>NULL')).toBe(canonical);
    expect(readHstore('')).toBe('{}');
  });

  it.each([
    '',
    '[]',
    'null',
    '{"a":1}',
    '{"a":{}}',
    '{"a":"\\u0000"}',
    '{"a":"\\ud800"}',
    5,
    '{',
    '{"a":"1",}',
    '{"a":"1"}x',
    'x{"a":null}',
  ])('refuses %j', (given) => expect(() => canonicalHstore(given)).toThrow(FicusError));

  it.each(['a=>1', '"a"=>"1",', '"a"'])('refuses the text %s', (given) =>
    expect(() => readHstore(given)).toThrow(FicusError),
  );

  it('comes through the text of PostgreSQL', () => {
    fc.assert(
      fc.property(pairs, (given) => {
        const canonical = canonicalHstore(JSON.stringify(given));
        expect(readHstore(hstoreText(canonical))).toBe(canonical);
        expect(canonical).toBe(canonicalHstore(JSON.stringify(given, null, 2)));
      }),
    );
  });
});
