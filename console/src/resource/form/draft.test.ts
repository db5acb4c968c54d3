import { expect, test } from 'vitest';
import type { Field } from '../../api/meta';
import { changedValues, fromDraft, toDraft } from './draft';

const field = (type: Field['type']): Field => ({ type, label: type, required: false, unique: false, search: false, readable: true, writable: true, filterable: true, sortable: true });

test('an empty input is null, never an empty text', () => {
  expect(fromDraft(field('text'), '  ')).toBeNull();
  expect(fromDraft(field('integer'), '')).toBeNull();
  expect(fromDraft(field('money'), { amount: '', currency: 'EUR' })).toBeNull();
});

test('money goes there and back without losing a cent', () => {
  for (const minor of [0, 1, 1999, 1250, -305, 123456789]) {
    const money = field('money');
    expect(fromDraft(money, toDraft(money, { minor, currency: 'EUR' }, 'EUR'))).toEqual({ minor, currency: 'EUR' });
  }
  expect(fromDraft(field('money'), { amount: '19.99', currency: 'EUR' })).toEqual({ minor: 1999, currency: 'EUR' });
});

test('a moment goes there and back to the minute', () => {
  const when = field('datetime');
  expect(fromDraft(when, toDraft(when, '2026-11-20T10:15:00.000000Z', 'EUR'))).toBe('2026-11-20T10:15:00.000Z');
});

test('only what was changed is sent', () => {
  const fields: [string, Field][] = [['name', field('text')], ['tags', field('tags')], ['notes', field('text')]];
  const before = { name: 'Acme', tags: ['a'], notes: 'x' };
  expect(changedValues(fields, before, { name: 'Acme', tags: ['a', 'b'], notes: '' })).toEqual({ tags: ['a', 'b'], notes: null });
  expect(changedValues(fields, before, { ...before })).toEqual({});
});
