/** One statement with its parameters. Every value is bound as text; a cast in the statement says what it becomes. */
export interface Statement {
  readonly text: string;
  readonly values: readonly Bound[];
}

/** An array is bound to a `text[]`. */
export type Bound = string | null | readonly (string | null)[];

/** What a query answers in each column: everything is selected as text. */
export type Cell = string | null;
export type Row = readonly Cell[];

/** Collects the values of a statement while its text is built. */
export class Binding {
  readonly #values: Bound[] = [];

  /** Answers the placeholder that stands for the value. */
  bind(value: Bound): string {
    this.#values.push(value);
    return `$${this.#values.length}`;
  }

  statement(text: string): Statement {
    return { text, values: this.#values };
  }
}

export function statement(text: string, values: readonly Bound[] = []): Statement {
  return { text, values };
}

/** A name as PostgreSQL takes it whatever is in it. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The two parts of a plan's `schema.table`. */
export function tableParts(table: string): readonly [schema: string, name: string] {
  const dot = table.indexOf('.');
  return [table.slice(0, dot), table.slice(dot + 1)];
}

export function tableName(table: string): string {
  return tableParts(table).map(identifier).join('.');
}
