import { fold } from '#core/apply';
import { authorityOf } from '#core/phase';
import type { Evidence } from '#core/version';
import type { Turn } from './scheduler.ts';
import { changeTo, digest, digestOf, nameOf, type Place, rowOf, stateOf } from './shape.ts';
import type { World } from './world.ts';

const PAUSE_MS = 20;
const PATIENCE = 200;

/**
 * Reconciles one row, while legacy is the authority: what differs once the forward leg is past a position that was read
 * after it, and is the same on both sides then, is repaired by what was read, over the very revision that was seen.
 */
export async function repair(world: World, place: Place, turn: Turn): Promise<void> {
  const { control, legacy, mongo } = world;
  const { term, epoch, phase, draining } = (await control.of(turn).unit()).value;
  if (authorityOf(phase) !== 'legacy' || draining !== null) return;
  const before = await mongo.load(turn, place.key);
  const session = await legacy.begin(turn);
  const row = await session.read(place);
  const position = await session.insertPosition();
  if (digestOf(row) === digestOf(rowOf(before, place))) return;
  if (!(await isPast(world, position, turn))) return;
  const stored = await mongo.load(turn, place.key);
  if (stored.revision !== before.revision || digestOf(await session.read(place)) !== digestOf(row)) return;
  const evidence: Evidence = world.is('repair-with-position')
    ? { kind: 'direct', epoch, position }
    : { kind: 'fresh', epoch };
  // Somebody has moved the authority since: what was read may be of before.
  if ((stateOf(stored, place)?.version?.epoch ?? 0) > epoch) return;
  const { document, dirty } = fold(stored, [changeTo(place, row, evidence)], digest);
  const saved = dirty ? await mongo.save(turn, term, stored, document) : 'unchanged';
  world.tell(`repair of ${nameOf(place)}: ${saved}`);
}

async function isPast(
  { legacy, forward, forwardSource }: World,
  position: bigint,
  turn: Turn,
): Promise<boolean> {
  for (let left = PATIENCE; left > 0; left -= 1) {
    legacy.beat();
    await turn.sleep(PAUSE_MS);
    if (forwardSource.position < position) continue;
    const ends = forward.ends();
    await turn.step();
    if (forward.isPast(ends)) return true;
  }
  return false;
}
