import type { Parameter } from './driver.ts';

/** SQL with its parameters, in the order of their question marks. */
export interface Statement {
  readonly text: string;
  readonly parameters: readonly Parameter[];
}

/** A piece of SQL that carries its own parameters, so that pieces can be put together in any order. */
export class Sql {
  readonly text: string;
  readonly parameters: readonly Parameter[];

  constructor(text: string, parameters: readonly Parameter[] = []) {
    this.text = text;
    this.parameters = parameters;
  }
}

/** Puts pieces together: strings are taken as SQL, `Sql` with their parameters. */
export function sql(parts: TemplateStringsArray, ...values: readonly (string | Sql)[]): Sql {
  let text = parts[0] ?? '';
  const parameters: Parameter[] = [];
  for (const [index, value] of values.entries()) {
    text += typeof value === 'string' ? value : value.text;
    if (typeof value !== 'string') parameters.push(...value.parameters);
    text += parts[index + 1] ?? '';
  }
  return new Sql(text, parameters);
}

export function joined(pieces: readonly Sql[], separator: string): Sql {
  const text = pieces.map((piece) => piece.text).join(separator);
  return new Sql(
    text,
    pieces.flatMap((piece) => piece.parameters),
  );
}

/** Quoted, so that reserved words and lower-case names are what they are. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `SCHEMA.TABLE` as the plan has it. */
export function tableName(table: string): string {
  return table.split('.').map(identifier).join('.');
}
