import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arrayElements, arrayText } from './array-text.ts';
import { FicusError } from './errors.ts';

const cases: readonly [string, readonly (string | null)[]][] = [
  ['{}', []],
  ['{1,NULL,-3}', ['1', null, '-3']],
  ['{a,NULL,"with,comma","q\\"uote",""}', ['a', null, 'with,comma', 'q"uote', '']],
  ['{"NULL",null}', ['NULL', 'null']],
  ['{"a\\\\b","{}"," a "}', ['a\\b', '{}', ' a ']],
  ['{2024-02-29,"2024-02-29 12:34:56"}', ['2024-02-29', '2024-02-29 12:34:56']],
];

describe('arrayElements', () => {
  it.each(cases)('%s', (text, elements) => expect(arrayElements(text)).toEqual(elements));

  it.each(['{{1,2},{3,4}}', '[5:6]={1,2}', '[0:0]={}', '{', '1', '', '{1', '{1,}', '{,1}', '{"a}', '{1}2'])(
    'refuses %s',
    (text) => expect(() => arrayElements(text)).toThrow(FicusError),
  );

  it('reads what arrayText writes', () => {
    const element = fc.option(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('NULL', '', '"', '\\', '{}', ',')),
      {
        nil: null,
      },
    );
    fc.assert(
      fc.property(fc.array(element), (elements) => {
        expect(arrayElements(arrayText(elements))).toEqual(elements);
      }),
    );
  });
});
