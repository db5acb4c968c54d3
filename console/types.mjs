// Writes src/api/schema.d.ts from the server's OpenAPI document: `tenon openapi > openapi.json && npm run types`.
// Of the document only what the console speaks by name is kept: the platform's operations and their good answers. Records
// are drawn from /meta instead, whatever modules a server has.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

const source = JSON.parse(readFileSync(process.argv[2] ?? 'openapi.json', 'utf8'));
const platform = /^\/api\/v1\/(auth|account|me|meta|setup|modules|events|jobs|search)(\/|$)/;

const paths = Object.entries(source.paths)
  .filter(([path]) => platform.test(path) && !path.includes(':') && !path.startsWith('/api/v1/account/views'))
  .map(([path, methods]) => [path, Object.fromEntries(Object.entries(methods).map(([method, operation]) => [method, { ...operation, parameters: [], responses: good(operation.responses) }]))]);

function good(responses) {
  return Object.fromEntries(Object.entries(responses).filter(([status]) => status.startsWith('2')));
}

const kept = JSON.stringify({ ...source, paths: Object.fromEntries(paths), components: { schemas: { Meta: source.components.schemas.Meta } } });
writeFileSync('openapi.kept.json', kept);
try {
  execFileSync('npx', ['--yes', '-p', 'openapi-typescript@7.13.0', '-p', 'typescript@5.9.3', 'openapi-typescript', 'openapi.kept.json', '-o', 'src/api/schema.d.ts'], { stdio: 'inherit' });
} finally {
  rmSync('openapi.kept.json');
}
