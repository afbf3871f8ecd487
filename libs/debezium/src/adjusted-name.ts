import { FicusError } from '#core/errors';

/**
 * Avro spells names with letters, digits and underscores only, so a connector with `field.name.adjustment.mode=avro`
 * puts an underscore for every other character, and one before a leading digit. Nothing in a record tells the name
 * that the column had; only the plan does.
 */
export function adjustedName(column: string): string {
  const spelled = column.replaceAll(/[^A-Za-z0-9_]/g, '_');
  return /^[0-9]/.test(spelled) ? `_${spelled}` : spelled;
}

/**
 * The same of the name that PostgreSQL's connector has in streamed rows, where each byte of UTF-8 beyond ASCII is a
 * character of its own (see `columnName`).
 */
function adjustedStreamed(column: string): string {
  return adjustedName(Buffer.from(column, 'utf8').toString('latin1'));
}

/**
 * Finds columns by what the connector makes of their names.
 * @param columns that the plan knows of the table.
 * @returns the name of the database; what none of the columns comes as stays as it is.
 */
export function adjustedNames(table: string, columns: readonly string[]): (wire: string) => string {
  const byWire = new Map<string, Set<string>>();
  for (const column of columns) {
    for (const wire of [adjustedName(column), adjustedStreamed(column)])
      byWire.set(wire, (byWire.get(wire) ?? new Set()).add(column));
  }
  return (wire) => {
    const [column = wire, ...others] = byWire.get(wire) ?? [];
    if (others.length === 0) return column;
    throw new FicusError(
      'event_unsupported',
      `a column of ${table} comes as ${wire}, which may be ${[column, ...others].join(' or ')}; they differ only in ` +
        'characters that the connector replaces (field.name.adjustment.mode), so one of them has to be left out by column.exclude.list',
    );
  };
}
