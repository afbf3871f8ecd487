/** Names for a drafted plan, made of a legacy database's own. */

import { isReserved } from './plan.ts';

/** `INVOICE_ID`, `invoice_id` and `InvoiceId` are all `invoiceId`; what cannot stand in a field's path is left out. */
export function camelCase(name: string): string {
  const plain = name.normalize('NFKD').replaceAll(/[^\dA-Za-z]+/g, ' ');
  const words = plain.split(' ').filter((word) => word !== '');
  const lowered = words.map((word) => (/[a-z]/.test(word) ? word : word.toLowerCase()));
  const joined = lowered.map((word, at) => (at === 0 ? lowerFirst(word) : upperFirst(word))).join('');
  if (isReserved(joined)) return `${joined}Field`;
  return /^[A-Za-z]/.test(joined) ? joined : `field${upperFirst(joined)}`;
}

/** Lower-case letters, digits and hyphens, as a unit is called. */
export function kebabCase(name: string): string {
  return camelCase(name)
    .replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    .slice(0, 63);
}

/** Good enough for English table names; the author of the plan has the last word. */
export function plural(noun: string): string {
  if (noun.endsWith('s')) return noun;
  return /[^aeiou]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`;
}

/** The name, or the name with the first free number from 2 on; remembers what it has given. */
export function uniqueIn(taken: Set<string>, name: string): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}${number}`;
  taken.add(free);
  return free;
}

function lowerFirst(word: string): string {
  return word.slice(0, 1).toLowerCase() + word.slice(1);
}

function upperFirst(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
