import { describe, expect, it } from 'vitest';
import { AllowedMethods } from './allowed-methods.ts';

describe('AllowedMethods', () => {
  const sut = new AllowedMethods();
  sut.add('/admin/units', 'GET');
  sut.add('/admin/units', 'HEAD');
  sut.add('/admin/units/:unit', ['GET', 'HEAD']);
  sut.add('/admin/units/:unit/transitions', 'POST');
  sut.add('/admin/units/:unit/transitions', 'GET');

  it.each([
    { path: '/admin/units', methods: ['GET', 'HEAD'] },
    { path: '/admin/units/', methods: ['GET', 'HEAD'] },
    { path: '/admin/units/a-b', methods: ['GET', 'HEAD'] },
    { path: '/admin/units/a/transitions', methods: ['GET', 'POST'] },
    { path: '/admin/units/a/b', methods: null },
    { path: '/adminXunits', methods: null },
    { path: '/', methods: null },
  ])('$path', ({ path, methods }) => {
    expect(sut.at(path)).toEqual(methods);
  });
});
