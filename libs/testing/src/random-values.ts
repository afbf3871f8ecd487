import fc from 'fast-check';
import { isoFromDays, isoFromMicros, timeFromMicros } from '#core/calendar';
import type { CanonicalScalar, CanonicalValue, Content, FieldType } from '#core/field-type';
import type { Field } from '#core/plan';
import { hexToBase64, parseCanonical, trimBlanks } from '#core/value';

/** Characters on which stores quarrel: case, accents, blanks, quotes, escapes, and code points beyond 16 bits. */
const ODD = [...'aAbBzZäßéØ漢字ﬀ~ \t\n"\'\\{},;%_.-0', '😀', '𝒳', '\u{10ffff}', '\uffff', '\ue000', '\u0001'];

/** A canonical value of the type; null now and then where the field allows it. */
export function canonicalOf(type: FieldType): fc.Arbitrary<CanonicalValue> {
  switch (type.kind) {
    case 'boolean':
      return fc.boolean();
    case 'int':
      return fc.integer({ min: -32_768, max: 32_767 });
    case 'long':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
    case 'decimal': {
      const scale = type.scale ?? 0;
      const most = 10n ** BigInt(type.precision ?? 18) - 1n;
      const number = fc.bigInt({ min: 0n, max: most }).map((unscaled) => scaled(unscaled, scale));
      if (type.extended !== true) return number;
      // PostgreSQL has infinities only where no precision is declared.
      const wide =
        type.precision === null ? ['NaN', 'Infinity', '-Infinity', `1${'0'.repeat(34)}.50`] : ['NaN'];
      return fc.oneof({ weight: 4, arbitrary: number }, fc.constantFrom(...wide));
    }
    case 'double':
      return fc.oneof(
        fc.constantFrom<CanonicalValue[]>('NaN', 'Infinity', '-Infinity', 0, 0.1, 5e-324),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
      );
    case 'float':
      return fc.oneof(
        fc.constantFrom<CanonicalValue[]>('NaN', 'Infinity', '-Infinity', 0, 0.1, 1e-45),
        fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => parseCanonical(type, value)),
      );
    case 'string':
      return textOf(type.length ?? 30).map((text) => (type.trim ? trimBlanks(text) : text));
    case 'uuid':
      return fc.uuid();
    case 'json':
      return fc.json();
    case 'bytes':
      return fc
        .uint8Array({ maxLength: 20 })
        .map((bytes) => hexToBase64([...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')));
    case 'date':
      return type.extended === true
        ? fc.oneof(
            INFINITY,
            extendedMicros().map((micros) => isoFromMicros(micros, 0).split('T')[0] ?? ''),
          )
        : fc.integer({ min: -719_162, max: 2_932_896 }).map((days) => isoFromDays(days));
    case 'time':
      return fc
        .bigInt({ min: 0n, max: 86_399_999_999n })
        .map((micros) => timeFromMicros(micros, type.precision));
    case 'timestamp':
      if (type.extended === true)
        return fc.oneof(
          INFINITY,
          extendedMicros().map((micros) => isoFromMicros(micros, type.precision)),
        );
      return stamp().map((micros) => isoFromMicros(micros, type.precision));
    case 'timestamptz':
      if (type.extended === true)
        return fc.oneof(
          INFINITY,
          extendedMicros().map((micros) => `${isoFromMicros(micros, type.precision)}Z`),
        );
      return stamp().map((micros) => `${isoFromMicros(micros, type.precision)}Z`);
    case 'timetz':
      return fc
        .bigInt({ min: 0n, max: 86_399_999_999n })
        .map((micros) => `${timeFromMicros(micros, type.precision)}Z`);
    case 'interval':
      return interval();
    case 'bits':
      return fc.string({ unit: fc.constantFrom('0', '1'), minLength: type.length, maxLength: type.length });
    case 'hstore':
      return fc
        .dictionary(textOf(8), fc.option(textOf(8), { nil: null }), { maxKeys: 5 })
        .map((pairs) => parseCanonical(type, JSON.stringify(pairs)));
    case 'array':
      return fc.array(fc.option(canonicalOf(type.of), { freq: 4, nil: null }), {
        maxLength: 5,
      }) as fc.Arbitrary<readonly CanonicalScalar[]>;
  }
}

/** A row's content: every field that is neither read-only nor left out. */
export function contentOf(fields: readonly Field[]): fc.Arbitrary<Content> {
  const members = fields
    .filter((field) => !field.readOnly)
    .map((field): [string, fc.Arbitrary<CanonicalValue>] => {
      const value = canonicalOf(field.type);
      return [field.path, field.required ? value : fc.option(value, { freq: 4, nil: null })];
    });
  return fc.record(Object.fromEntries(members));
}

function textOf(length: number): fc.Arbitrary<string> {
  const unit = fc.oneof(
    fc.constantFrom(...ODD),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((one) => one !== '\u0000'),
  );
  return fc.string({ unit, maxLength: Math.min(length, 12) });
}

/** Months, days and microseconds as far as Debezium takes them; beyond, its connector stops. */
function interval(): fc.Arbitrary<CanonicalValue> {
  const some = (limit: number) => fc.integer({ min: -limit, max: limit });
  return fc
    .tuple(some(100_000), some(100_000), some(100_000), some(59), fc.boolean(), some(999_999))
    .map(([months, days, hours, minutes, negative, micros]) =>
      parseCanonical(
        { kind: 'interval' },
        `P${months}M${days}DT${hours}H${minutes}M${negative ? '-' : ''}1.${String(Math.abs(micros)).padStart(6, '0')}S`,
      ),
    );
}

const INFINITY = fc.constantFrom('infinity', '-infinity');

/** From PostgreSQL's first year, 4713 BC, to the last that a JavaScript date has; often near the ordinary ones. */
function extendedMicros(): fc.Arbitrary<bigint> {
  return fc.oneof(
    fc.bigInt({ min: -210_863_520_000_000_000n, max: 8_639_999_913_599_999_999n }),
    fc.bigInt({ min: -63_000_000_000_000_000n, max: -61_000_000_000_000_000n }),
    fc.bigInt({ min: 253_402_300_700_000_000n, max: 253_402_300_900_000_000n }),
    stamp(),
  );
}

function stamp(): fc.Arbitrary<bigint> {
  return fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });
}

function scaled(unscaled: bigint, scale: number): string {
  const digits = String(unscaled).padStart(scale + 1, '0');
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
