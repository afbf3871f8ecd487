import { describe, expect, it } from 'vitest';
import { adjustedNames } from './adjusted-name.ts';

/** As seen in the schemas that a connector registered of snapshot rows (first) and of streamed rows. */
describe('adjustedNames', () => {
  it.each([
    ['Id', 'Id'],
    ['weird col', 'weird_col'],
    ['1st', '_1st'],
    ['dash-col', 'dash_col'],
    ['ünïcode', '_n_code'],
    ['ünïcode', '__n__code'],
    ['__proto__', '__proto__'],
  ])('finds %s, which comes as %s', (column, wire) => {
    expect(adjustedNames('public.t', ['id', column, 'other'])(wire)).toBe(column);
  });

  it('leaves the name of a column that the plan does not know', () => {
    expect(adjustedNames('public.t', ['a b'])('new_column')).toBe('new_column');
  });

  it('refuses a name that may stand for several columns, and only that', () => {
    const sut = adjustedNames('public.t', ['a b', 'a-b', 'c d']);
    expect(sut('c_d')).toBe('c d');
    expect(() => sut('a_b')).toThrow(
      expect.objectContaining({
        code: 'event_unsupported',
        message: expect.stringMatching(/public\.t comes as a_b, which may be a b or a-b/),
      }),
    );
  });
});
