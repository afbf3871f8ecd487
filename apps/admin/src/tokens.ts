export const PARTS = Symbol('parts');
