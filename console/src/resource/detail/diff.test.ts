import { expect, test } from 'vitest';
import { changesOf } from './diff';

test('an update shows each changed field with both values', () => {
  expect(changesOf({ data: { before: { stage: 'lead', notes: 'x' }, after: { stage: 'won', notes: 'x', version: 3 } } })).toEqual([{ field: 'stage', before: 'lead', after: 'won' }]);
});

test('a creation has no before, a deletion no after, and absent is the same as null', () => {
  expect(changesOf({ data: { after: { name: 'Acme', notes: null, id: '1' } } })).toEqual([{ field: 'name', before: null, after: 'Acme' }]);
  expect(changesOf({ data: { before: { name: 'Acme' } } })).toEqual([{ field: 'name', before: 'Acme', after: null }]);
});

test('an erased event has nothing to show', () => {
  expect(changesOf({ data: null })).toEqual([]);
  expect(changesOf({ data: { before: 'odd', after: ['odd'] } })).toEqual([]);
});
