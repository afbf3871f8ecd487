import type { Systems } from '#config/systems';
import { FicusError } from '#core/errors';
import { renderDraft } from '#core/plan-draft';
import { openCatalogue } from '#legacy/open';
import { systemClock } from '#observability/clock';

/** A first plan for a table, read from the legacy catalogue, with the child tables that can be embedded. */
export async function draftPlan(
  connection: string,
  table: string,
  given: { systems: Systems; unit?: string; owner: string },
): Promise<string> {
  const system = given.systems[connection];
  if (system === undefined) {
    throw new FicusError(
      'plan_invalid',
      `no legacy system ${connection}; systems.yaml names ${Object.keys(given.systems).join(', ')}`,
    );
  }
  const catalogue = openCatalogue(connection, system, systemClock);
  try {
    const root = await catalogue.describe(table);
    const children = [];
    for (const name of new Set(root.referencedBy.map((reference) => reference.table)))
      children.push(await catalogue.describe(name));
    return renderDraft({
      root,
      children,
      system: connection,
      topicPrefix: system.capture.topicPrefix,
      kind: system.kind,
      owner: given.owner,
      unit: given.unit ?? null,
    });
  } finally {
    await catalogue.close();
  }
}
