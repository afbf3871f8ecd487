// Run by whatever Node there is, before anything is installed. Status 0 when node_modules holds what package-lock.json
// asks for: npm writes its own account of what it installed last, so an interrupted installation has none.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const packages = (file) => JSON.parse(readFileSync(join(root, file), 'utf8')).packages;

function isInstalled() {
  const wanted = packages('package-lock.json');
  const installed = packages('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    const found = installed[path];
    // Optional packages of other platforms are never there.
    return path === '' || (found === undefined ? optional === true : found.version === version);
  });
}

try {
  process.exitCode = isInstalled() ? 0 : 1;
} catch {
  process.exitCode = 1;
}
