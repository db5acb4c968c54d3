import { expect, test } from 'vitest';
import type { Filter } from './clauses';
import { readFilter } from './read';
import { writeFilter, type Types } from './write';

const types: Types = { name: 'text', stage: 'choice', amount: 'money', employees: 'integer', closes: 'date', seen: 'datetime', industries: 'tags', owner: 'user', active: 'boolean', company: 'ref' };
const write = (...clauses: Filter['clauses']) => writeFilter({ join: 'and', clauses }, types, 'EUR');

test('text is quoted so that no value can become an expression', () => {
  expect(write({ field: 'name', op: 'is', value: 'a" || true || "' })).toBe(String.raw`name == "a\" || true || \""`);
  expect(write({ field: 'name', op: 'contains', value: 'back\\slash\nline' })).toBe(String.raw`name.contains("back\\slash\nline")`);
});

test('money is compared in minor units of one currency', () => {
  expect(write({ field: 'amount', op: 'ge', value: '19.99', currency: 'EUR' })).toBe('(amount.currency == "EUR" && amount.minor >= 1999)');
  expect(write({ field: 'amount', op: 'lt', value: '500', currency: 'JPY' })).toBe('(amount.currency == "JPY" && amount.minor < 500)');
});

test('lines that are not filled in yet are left out', () => {
  expect(write({ field: 'name', op: 'is', value: ' ' }, { field: 'employees', op: 'gt', value: 'many' }, { field: 'stage', op: 'is', value: 'won' })).toBe('stage == "won"');
  expect(write({ field: 'gone', op: 'is', value: 'x' })).toBe('');
});

test('every line the builder can write is read back as the same line', () => {
  const clauses: Filter['clauses'] = [
    { field: 'name', op: 'contains', value: 'say "hi", (or) [not] && \\ é 你好' },
    { field: 'name', op: 'startsWith', value: 'A' },
    { field: 'stage', op: 'isNot', value: 'won' },
    { field: 'stage', op: 'oneOf', value: 'won,lost' },
    { field: 'amount', op: 'ge', value: '12.5', currency: 'EUR' },
    { field: 'employees', op: 'le', value: '-3' },
    { field: 'closes', op: 'lt', value: '2026-11-20' },
    { field: 'seen', op: 'ge', value: '2026-11-20T10:00:00.000Z' },
    { field: 'industries', op: 'has', value: 'Banking' },
    { field: 'industries', op: 'hasNot', value: 'Oil' },
    { field: 'industries', op: 'empty', value: '' },
    { field: 'owner', op: 'mine', value: '' },
    { field: 'active', op: 'yes', value: '' },
    { field: 'company', op: 'filled', value: '' },
  ];
  for (const join of ['and', 'or'] as const) {
    expect(readFilter(writeFilter({ join, clauses }, types, 'EUR'), types)).toEqual({ join, clauses });
  }
});

test('what the builder cannot show stays text', () => {
  for (const text of ['stage == "won" && (name == "a" || name == "b")', 'a && b || c', 'amount.minor > 3', 'name == ', '"unclosed', 'size(name) > 3', 'has(record.name)', 'gone == "x"']) {
    expect(readFilter(text, types)).toBeNull();
  }
  expect(readFilter('', types)).toEqual({ join: 'and', clauses: [] });
});
