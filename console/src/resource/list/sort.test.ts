import { expect, test } from 'vitest';
import { directionOf, nextSort } from './sort';

test('a column goes up, down, and back to the own order', () => {
  expect(nextSort('', 'name', false)).toBe('name');
  expect(nextSort('name', 'name', false)).toBe('-name');
  expect(nextSort('-name', 'name', false)).toBe('');
  expect(nextSort('-amount,closes', 'name', false)).toBe('name');
});

test('with shift a column comes after the others, and three are enough', () => {
  expect(nextSort('-amount', 'name', true)).toBe('-amount,name');
  expect(nextSort('-amount,name', 'name', true)).toBe('-amount,-name');
  expect(nextSort('-amount,-name', 'name', true)).toBe('-amount');
  expect(nextSort('a,b,c', 'd', true)).toBe('b,c,d');
});

test('each column knows its direction', () => {
  expect(directionOf('-amount,name', 'amount')).toBe('descending');
  expect(directionOf('-amount,name', 'name')).toBe('ascending');
  expect(directionOf('-amount', 'name')).toBe('none');
});
