/** Figures of several rounds, and how they are written. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper;
}

/** The value below which this share (0 to 1) of the values lies, by the nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Columns as wide as they must be, the first flush left, the others flush right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `12,345`. */
export function whole(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en') : '-';
}

export function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-';
}

/** A demand on a measured figure. */
export interface Demand {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly sense: 'at least' | 'at most';
  /** An aim is more than what is required. */
  readonly isAim?: boolean;
  readonly unit?: string;
}

export function isMet({ value, limit, sense }: Demand): boolean {
  return sense === 'at least' ? value >= limit : value <= limit;
}

/** One line for each demand that was measured. */
export function verdicts(demands: readonly Demand[]): string {
  const rows = demands
    .filter(({ value }) => Number.isFinite(value))
    .map((demand) => [
      `${demand.isAim === true ? 'aim     ' : 'required'}  ${demand.what}`,
      `${demand.value.toFixed(2)}${demand.unit ?? ''}`,
      `${demand.sense} ${demand.limit}${demand.unit ?? ''}`,
      isMet(demand) ? 'yes' : 'NO',
    ]);
  return table(rows);
}

export function missed(demands: readonly Demand[]): readonly Demand[] {
  return demands.filter((one) => one.isAim !== true && Number.isFinite(one.value) && !isMet(one));
}
