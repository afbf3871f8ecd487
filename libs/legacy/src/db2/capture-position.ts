import { z } from 'zod';
import { FicusError, reasonOf } from '#core/errors';

/**
 * Positions of the Db2 log as texts `<commit>/<change>` of 32 hex digits each, which sort as the pairs do: the form
 * that Ficus gives to `source.commit_lsn` and `source.change_lsn` of Debezium's events.
 */
const WIDTH = 32;

export function positionText(commit: string, change: string): string {
  return `${digits(commit)}/${digits(change)}`;
}

function digits(lsn: string): string {
  return lsn.replaceAll(':', '').toLowerCase().padStart(WIDTH, '0');
}

const Offsets = z.object({
  offsets: z.array(
    z.object({
      offset: z
        .object({
          commit_lsn: z.string().nullish(),
          change_lsn: z.string().nullish(),
          snapshot: z.unknown().optional(),
          snapshot_completed: z.unknown().optional(),
        })
        .nullish(),
    }),
  ),
});

/**
 * The connector's committed source offset, by Kafka Connect's REST; null while it has none or its initial snapshot
 * has not ended.
 * @throws FicusError `connector_failed` when there is no such connector or Connect cannot be reached.
 */
export async function committedOffset(connect: string, connector: string): Promise<string | null> {
  let answer: Response;
  try {
    answer = await fetch(`${connect}/connectors/${encodeURIComponent(connector)}/offsets`, {
      signal: AbortSignal.timeout(5_000),
    });
  } catch (cause) {
    throw new FicusError(
      'connector_failed',
      `Kafka Connect at ${connect} cannot be reached: ${reasonOf(cause)}`,
      {
        cause,
        retryable: true,
      },
    );
  }
  if (!answer.ok) {
    throw new FicusError(
      'connector_failed',
      `connector ${connector} at ${connect}: ${answer.status} ${await answer.text()}`,
      { retryable: answer.status !== 404 },
    );
  }
  const offset = Offsets.parse(await answer.json()).offsets[0]?.offset;
  if (!offset?.commit_lsn || (offset.snapshot && offset.snapshot_completed !== true)) return null;
  return positionText(offset.commit_lsn, offset.change_lsn ?? '');
}
