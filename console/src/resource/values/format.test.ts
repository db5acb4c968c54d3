import { expect, test } from 'vitest';
import type { Resource } from '../../api/meta';
import { formatDate, recordTitle, relativeTime } from './format';
import { formatMoney, toMinor } from './money';

test('money shows the digits of its currency', () => {
  expect(formatMoney({ minor: 125050, currency: 'EUR' }, 'en')).toBe('€1,250.50');
  expect(formatMoney({ minor: 1250, currency: 'JPY' }, 'en')).toBe('¥1,250');
  expect(formatMoney({ minor: 125050, currency: 'EUR' }, 'de').replace(/\s/g, ' ')).toBe('1.250,50 €');
  expect(formatMoney({ minor: 1250, currency: '??' }, 'en')).toBe('12.50 ??');
  expect(toMinor(19.99, 'EUR')).toBe(1999);
});

test('a date is a day in every time zone', () => {
  expect(formatDate('2026-11-20', 'en')).toBe('Nov 20, 2026');
  expect(formatDate('2026-01-01', 'de')).toBe('01.01.2026');
  expect(formatDate('someday', 'en')).toBe('someday');
});

test('times are relative', () => {
  const now = Date.parse('2026-11-20T12:00:00Z');
  expect(relativeTime('2026-11-20T11:57:00Z', 'en', now)).toBe('3 min. ago');
  expect(relativeTime('2026-11-19T12:00:00Z', 'en', now)).toBe('yesterday');
  expect(relativeTime('2026-11-20T11:59:50Z', 'en', now)).toBe('now');
});

test('a record is called by its title, or by the head of its id', () => {
  const resource = { title: '{first} {last}' } as Resource;
  const row = { id: '0199aaaa-1111', version: 1, created_at: '', updated_at: '', created_by: null };
  expect(recordTitle(resource, { ...row, first: 'Ada', last: 'Lovelace' })).toBe('Ada Lovelace');
  expect(recordTitle(resource, { ...row, first: null, last: null })).toBe('0199aaaa');
});
