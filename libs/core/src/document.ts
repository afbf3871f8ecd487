import type { CanonicalValue, Content } from './field-type.ts';

/** Key of a document: canonical values of the key fields in the plan's order. */
export type DocumentKey = readonly CanonicalValue[];

/** A unit's document in canonical form, whichever store it came from. Embedded rows are sorted by their key. */
export interface CanonicalDocument {
  readonly root: Content;
  /** By the embed's path; every embed of the plan is present, `one` as an array of at most one. */
  readonly embeds: Readonly<Record<string, readonly Content[]>>;
  /** MongoDB has never seen a value of it (a large one that did not change when its row got another key, say). */
  readonly incomplete?: true;
  /** Values of legacy that have no canonical form (`infinity` in a date, say). Their members are missing above. */
  readonly unreadable?: readonly Unreadable[];
}

export interface Unreadable {
  /** JSON pointer of the member, or of the embed that the row belongs to. */
  readonly pointer: string;
  /** Names table, row, column, the value and what is legal. */
  readonly reason: string;
}
