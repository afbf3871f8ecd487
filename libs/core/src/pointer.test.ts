import { expect, it } from 'vitest';
import { pointerOf } from './pointer.ts';

it.each([
  { path: [], pointer: '' },
  { path: ['a', 0, 'b'], pointer: '/a/0/b' },
  { path: ['a/b', '~', ''], pointer: '/a~1b/~0/' },
  { path: ['~1'], pointer: '/~01' },
])('$path is "$pointer"', ({ path, pointer }) => expect(pointerOf(path)).toBe(pointer));
