import type { Offsets } from '#kafka/progress';
import type { Rig } from '../rig.ts';

/** Has a consumer group, of which no member runs, begin at these offsets of these topics. */
export async function beginAt(rig: Rig, group: string, starts: ReadonlyMap<string, Offsets>): Promise<void> {
  const admin = rig.kafka.admin();
  await admin.connect();
  try {
    for (const [topic, offsets] of starts) {
      const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
      if (partitions.length > 0) await admin.setOffsets({ groupId: group, topic, partitions });
    }
  } finally {
    await admin.disconnect();
  }
}
