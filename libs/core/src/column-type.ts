import { draftType, typeMembers } from './draft-type.ts';
import type { ElementType, FieldKind, FieldType } from './field-type.ts';
import type { CatalogueColumn } from './ports/catalogue.ts';

/**
 * Kinds that a column's values can be read as, beside the column's own: where the text is the same, or the range holds
 * every value. A text may hold what only its owner knows of, so a value that does not fit is that row's fault.
 */
const ALSO: Readonly<Partial<Record<FieldKind, readonly FieldKind[]>>> = {
  int: ['long'],
  string: ['uuid', 'json'],
  uuid: ['string'],
  json: ['string'],
};

/** Kinds that no column of another type can be read as. */
const OWN_ONLY: readonly FieldKind[] = ['array', 'bits', 'hstore', 'interval', 'timetz'];

/** Why a column cannot be the plan's type; null: it can, or the type is none that Ficus knows by itself. */
export function columnTypeFault(column: CatalogueColumn, planned: FieldType): string | null {
  const drafted = draftType(column);
  if (column.type === 'name')
    return `column ${column.name} is name, which Debezium sends as null; leave it out`;
  const said = `column ${column.name} is ${column.type}`;
  if (drafted.kind === 'ignored')
    return OWN_ONLY.includes(planned.kind)
      ? `${said}, which cannot be read as ${planned.kind}: ${drafted.remark}`
      : null;
  const own = drafted.type;
  if (planned.kind !== own.kind) {
    const legal = [own.kind, ...(ALSO[own.kind] ?? []), ...(isWhole(own) ? ['long'] : [])];
    return legal.includes(planned.kind)
      ? null
      : `${said}, which cannot be read as ${planned.kind}; legal is ${legal.join(', ')}`;
  }
  if (planned.kind === 'array' && own.kind === 'array') return elementFault(said, planned.of, own.of);
  if (planned.kind === 'bits' && own.kind === 'bits' && planned.length !== own.length)
    return `${said}(${own.length}), but the plan says length ${planned.length}`;
  if (
    planned.kind === 'decimal' &&
    own.kind === 'decimal' &&
    own.extended === true &&
    planned.extended !== true
  )
    return `${said}(${own.precision},${own.scale}), which has more digits than MongoDB's decimal; legal is ${membersOf(own)}`;
  if (planned.kind === 'decimal' && planned.scale === null && (column.scale ?? 0) < 0)
    return `${said} of scale ${column.scale}, which Debezium sends with 2,046 zeros after the point; legal is ${membersOf(own)}`;
  if (planned.kind === 'decimal' && own.kind === 'decimal' && planned.scale !== null) {
    if (own.scale === null)
      return `${said} without a fixed scale, but the plan says scale ${planned.scale}: leave precision and scale out`;
    const before = (type: typeof own): number => (type.precision ?? 0) - (type.scale ?? 0);
    if (own.scale > planned.scale || before(own) > before(planned))
      return (
        `${said}(${own.precision},${own.scale}), but the plan holds ${planned.precision},${planned.scale} only; ` +
        `legal is ${membersOf(own)}`
      );
  }
  return null;
}

function elementFault(said: string, planned: ElementType, own: ElementType): string | null {
  const legal = [own.kind, ...(ALSO[own.kind] ?? [])];
  return legal.includes(planned.kind)
    ? null
    : `${said}, whose elements cannot be read as ${planned.kind}; legal is ${legal.join(', ')}`;
}

/** 18 digits fit into 64 bits. */
function isWhole(type: FieldType): boolean {
  return type.kind === 'decimal' && type.scale === 0 && (type.precision ?? 19) <= 18;
}

function membersOf(type: FieldType): string {
  return typeMembers(type)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}
