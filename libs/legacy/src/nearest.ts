/** The names most like the wanted one, best first: what somebody probably meant. */
export function nearest(wanted: string, names: readonly string[], count = 3): readonly string[] {
  const target = wanted.toLowerCase();
  return names
    .map((name) => ({ name, distance: distance(target, name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ name }) => name);
}

/** Edits between two texts; a name that holds the other one, as with its schema, is never far. */
function distance(a: string, b: string): number {
  const edits = levenshtein(a, b);
  return a.includes(b) || b.includes(a) ? Math.min(edits, 2) : edits;
}

/** Insertions, deletions and substitutions. */
function levenshtein(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
