import { FicusError } from './errors.ts';

/** @throws FicusError `value_invalid` naming the value and what is legal. */
export function refuse(value: unknown, legal: string): never {
  throw new FicusError('value_invalid', `${shownValue(value)} is not legal here; legal is ${legal}`);
}

/** Any value that came from outside, as a message shows it: it must never fail by itself. */
export function shownValue(value: unknown): string {
  const digits = (_name: string, member: unknown) => (typeof member === 'bigint' ? String(member) : member);
  const shown = typeof value === 'bigint' ? String(value) : (JSON.stringify(value, digits) ?? 'undefined');
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown;
}
