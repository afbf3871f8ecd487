import { describe } from 'vitest';
import { conformingReads, conformingWrites } from './conformance/documents.ts';
import { conformingTransitions } from './conformance/transitions.ts';
import { conformingUnits } from './conformance/units.ts';
import { conformingVerifications } from './conformance/verifications.ts';
import { MemoryLegacyStore } from './memory-legacy-store.ts';
import { MemoryTransitions, MemoryUnits, MemoryVerifications } from './memory-stores.ts';
import { ordersPlan } from './orders-plan.ts';
import { aPlan, aUnit } from './plans.ts';
import { SOME_ORDERS } from './some-orders.ts';

/** The stores in memory do what the suites ask of the real ones, which run them too. */

describe('units in memory', () => {
  conformingUnits(() => {
    const store = new MemoryUnits();
    return {
      store,
      add: async (unit) => {
        const one = aUnit(aPlan({ unit }));
        store.put(one);
        return one;
      },
    };
  });
});

describe('transitions in memory', () => {
  conformingTransitions(() => new MemoryTransitions());
});

describe('verifications in memory', () => {
  conformingVerifications(() => new MemoryVerifications());
});

describe('documents in memory', () => {
  const store = new MemoryLegacyStore(ordersPlan);
  const open = () => ({
    plan: ordersPlan,
    store,
    documents: SOME_ORDERS,
    fill: async () => {
      for (const one of store.all()) store.remove([one.root['region'] ?? null, one.root['number'] ?? null]);
      for (const one of SOME_ORDERS) store.put(one);
    },
  });
  conformingReads(open);
  conformingWrites(open);
});
