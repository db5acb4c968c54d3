// Writes src/api/schema.d.ts from the server's OpenAPI document: `tenon openapi > openapi.json && npm run types`. With `--check` it only
// says whether the file was made from this document.
// Of the document only what the console speaks by name is kept: the platform's operations and their good answers. Records
// are drawn from /meta instead, whatever modules a server has.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

const made = 'src/api/schema.d.ts';
const check = process.argv.includes('--check');
const source = JSON.parse(readFileSync(process.argv.slice(2).find((word) => word !== '--check') ?? 'openapi.json', 'utf8'));
const platform = /^\/api\/v1\/(auth|account|me|meta|setup|modules|events|jobs|search)(\/|$)/;

const paths = Object.entries(source.paths)
  .filter(([path]) => platform.test(path) && !path.includes(':') && !path.startsWith('/api/v1/account/views'))
  .map(([path, methods]) => [path, Object.fromEntries(Object.entries(methods).map(([method, operation]) => [method, { ...operation, parameters: [], responses: good(operation.responses) }]))]);

function good(responses) {
  return Object.fromEntries(Object.entries(responses).filter(([status]) => status.startsWith('2')));
}

const kept = JSON.stringify({ ...source, paths: Object.fromEntries(paths), components: { schemas: { Meta: source.components.schemas.Meta } } });
const mark = `// Made by \`npm run types\` from ${createHash('sha256').update(kept).digest('hex')}.\n`;
if (check) {
  if (!readFileSync(made, 'utf8').startsWith(mark)) {
    console.error(`${made} was made from another document: tenon openapi > console/openapi.json && npm --prefix console run types`);
    process.exit(1);
  }
} else {
  writeFileSync('openapi.kept.json', kept);
  try {
    execFileSync('npx', ['--yes', '-p', 'openapi-typescript@7.13.0', '-p', 'typescript@5.9.3', 'openapi-typescript', 'openapi.kept.json', '-o', made], { stdio: 'inherit' });
  } finally {
    rmSync('openapi.kept.json');
  }
  writeFileSync(made, mark + readFileSync(made, 'utf8'));
}
