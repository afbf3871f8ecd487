import type { ElementType, FieldType } from '#core/field-type';

const TEXT: ElementType = { kind: 'string', trim: false, length: null };

const ELEMENTS: readonly ElementType[] = [
  { kind: 'date' },
  { kind: 'int' },
  { kind: 'json' },
  { kind: 'long' },
  { kind: 'uuid' },
  TEXT,
  { kind: 'string', trim: true, length: 5 },
];

/** Every kind of field, with what its members may say. */
export const EVERY_TYPE: readonly FieldType[] = [
  ...ELEMENTS,
  ...ELEMENTS.map((of): FieldType => ({ kind: 'array', of })),
  { kind: 'bits', length: 1 },
  { kind: 'bits', length: 12 },
  { kind: 'bits', length: 128 },
  { kind: 'boolean' },
  { kind: 'bytes' },
  { kind: 'decimal', precision: null, scale: null },
  { kind: 'decimal', precision: 2, scale: 2 },
  { kind: 'decimal', precision: 5, scale: 0 },
  { kind: 'decimal', precision: 34, scale: 10 },
  { kind: 'date', extended: true },
  { kind: 'decimal', precision: null, scale: null, extended: true },
  { kind: 'decimal', precision: 38, scale: 10, extended: true },
  { kind: 'double' },
  { kind: 'float' },
  { kind: 'hstore' },
  { kind: 'interval' },
  ...([0, 3, 6] as const).flatMap((precision): FieldType[] => [
    { kind: 'time', precision },
    { kind: 'timestamp', precision },
    { kind: 'timestamptz', precision },
    { kind: 'timetz', precision },
    { kind: 'timestamp', precision, extended: true },
    { kind: 'timestamptz', precision, extended: true },
  ]),
];
