/** What a flip between `legacy` and `offload` does, in this order: a dry run shows this list and a flip walks it. */
export const FLIP_STEPS = [
  { name: 'record', does: 'record the transition as running; no other flip of the unit can start' },
  {
    name: 'switch',
    does: 'compare-and-set the unit to the new phase with term + 1; the authority stays legacy, so the epoch stays',
  },
  { name: 'finish', does: 'mark the transition done; facades follow within a second' },
] as const;

export type FlipStepName = (typeof FLIP_STEPS)[number]['name'];
