import { expect, test } from 'vitest';
import { guessMapping, readCsv } from './csv';

test('cells may hold commas, quotes and line breaks', () => {
  expect(readCsv('name,employees\r\n"A, ""B""\nC","3,167"\r\nPlain,\n', 10)).toEqual([
    ['name', 'employees'],
    ['A, "B"\nC', '3,167'],
    ['Plain', ''],
  ]);
});

test('only the first records are looked at', () => {
  expect(readCsv('a\n1\n2\n3\n', 2)).toEqual([['a'], ['1']]);
  expect(readCsv('a,b', 5)).toEqual([['a', 'b']]);
});

test('a column finds its field whatever the spelling, and no field is taken twice', () => {
  const fields: [string, { label: string }][] = [['name', { label: 'Name' }], ['key_people', { label: 'Key people' }], ['headquarters', { label: 'Hauptsitz' }]];
  expect(guessMapping(['\uFEFFName', 'Key-People', 'hauptsitz', 'name', 'wikipedia'], fields)).toEqual(['name', 'key_people', 'headquarters', null, null]);
});
