/** One line of a requirements file: the package, its exact version, and the digests of the wheels that may land. */
export type Requirement = { name: string; version: string; hashes: readonly string[] };

/** Reads a requirements file that pins one package by version and by SHA-256. Throws naming the file and what is wrong. */
export function parseRequirement(text: string, source: string): Requirement {
  const lines = text
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const [line, ...more] = lines;
  if (line === undefined || more.length > 0)
    throw new Error(`${source}: ${lines.length} packages; legal is one`);
  const [, name, version] = /^([\w.-]+)==([\w.]+)(?:\s|$)/.exec(line) ?? [];
  if (name === undefined || version === undefined)
    throw new Error(`${source}: '${line}' is not '<name>==<version> --hash=sha256:<hex>'`);
  const hashes = [...line.matchAll(/--hash=sha256:([0-9a-f]{64})(?=\s|$)/g)].flatMap(
    ([, hash]) => hash ?? [],
  );
  if (hashes.length === 0)
    throw new Error(`${source}: ${name} ${version} has no --hash=sha256:<64 hex digits>`);
  return { name, version, hashes };
}
