import type { Rig } from '../rig.ts';

/** Copies the documents of a collection, without validator and indexes, over another one. */
export async function copyCollection({ documents }: Rig, from: string, to: string): Promise<void> {
  await documents
    .collection(from)
    .aggregate([{ $match: {} }, { $out: to }])
    .toArray();
}

export async function dropCollection({ documents }: Rig, name: string): Promise<void> {
  await documents.collection(name).drop();
}

/** @throws when a run did not leave as many documents as it must. */
export async function expectCount({ documents }: Rig, name: string, count: number): Promise<void> {
  const found = await documents.collection(name).countDocuments();
  if (found !== count) throw new Error(`${name} has ${found} documents where ${count} must be`);
}

/** Bytes of a document on average. */
export async function averageBytes({ documents }: Rig, name: string): Promise<number> {
  const [found] = await documents
    .collection(name)
    .aggregate<{ bytes: number }>([{ $group: { _id: null, bytes: { $avg: { $bsonSize: '$$ROOT' } } } }])
    .toArray();
  return found?.bytes ?? Number.NaN;
}
