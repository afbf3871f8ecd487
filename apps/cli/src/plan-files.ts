import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { FicusError, reasonOf } from '#core/errors';
import type { PlanFault, PlanFile } from '#plans/plan-file';

/** Plan files at the given paths; a folder stands for its `*.yaml` files. @throws FicusError `plan_invalid`. */
export function readPlanFiles(paths: readonly string[], cwd: string): readonly PlanFile[] {
  const files = paths.flatMap((path) => expand(path));
  if (files.length === 0)
    throw new FicusError('plan_invalid', `no plan files (*.yaml) in ${paths.join(', ')}`);
  return [...new Set(files)].map((file) => ({
    file: relative(cwd, file) || file,
    text: readFileSync(file, 'utf8'),
  }));
}

/** One line a fault: `file:line: pointer value: message`. */
export function formatFault(fault: PlanFault): string {
  return `${fault.file}:${fault.line}: ${fault.pointer} ${fault.value}: ${fault.message}`.replace(/ +/g, ' ');
}

function expand(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && /\.ya?ml$/.test(entry.name))
      .map(({ name }) => join(path, name))
      .sort();
  } catch (cause) {
    throw new FicusError('plan_invalid', `"${path}" cannot be read: ${reasonOf(cause)}`, { cause });
  }
}
