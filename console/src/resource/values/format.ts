import type { Field, Resource } from '../../api/meta';
import type { FieldValue, Money, Row, Titled } from '../../api/types';
import { formatMoney } from './money';

/** Values as people read them. Language is a parameter everywhere so that tests need no setup. */
export function formatValue(field: Field, value: FieldValue | undefined, language: string, words: { yes: string; no: string }): string {
  if (value === null || value === undefined || value === '') return '';
  switch (field.type) {
    case 'boolean':
      return value ? words.yes : words.no;
    case 'money':
      return isMoney(value) ? formatMoney(value, language) : String(value);
    case 'integer':
      return typeof value === 'number' ? new Intl.NumberFormat(language).format(value) : String(value);
    case 'date':
      return formatDate(String(value), language);
    case 'datetime':
      return exactTime(String(value), language);
    case 'choice':
      return optionLabel(field, String(value));
    case 'tags':
      return Array.isArray(value) ? value.join(', ') : String(value);
    case 'text':
    case 'email':
    case 'url':
    case 'phone':
    case 'ref':
    case 'user':
      return String(value);
  }
}

export function isMoney(value: unknown): value is Money {
  return typeof value === 'object' && value !== null && 'minor' in value && 'currency' in value;
}

export function optionLabel(field: Field, value: string): string {
  return field.options?.find((option) => option.value === value)?.label ?? value;
}

/** `2026-11-20` is a day, not a moment: no time zone may move it. */
export function formatDate(day: string, language: string): string {
  const moment = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(moment.getTime()) ? day : new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' }).format(moment);
}

export function exactTime(at: string, language: string): string {
  const moment = new Date(at);
  return Number.isNaN(moment.getTime()) ? at : new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(moment);
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

export function relativeTime(at: string, language: string, now: number): string {
  const seconds = (new Date(at).getTime() - now) / 1000;
  if (Number.isNaN(seconds)) return at;
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  const step = steps.find(([, length]) => Math.abs(seconds) >= length);
  return step ? format.format(Math.round(seconds / step[1]), step[0]) : format.format(0, 'second');
}

/** `{name}` filled in from the record: what people call it. */
export function recordTitle(resource: Resource, row: Row): string {
  const title = resource.title.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = row[name];
    return value === null || value === undefined || typeof value === 'object' ? '' : String(value);
  });
  return title.trim() || row.id.slice(0, 8);
}

export function expandedOf(row: Row, name: string): Titled | null {
  return row.expanded?.[name] ?? null;
}

export function valueOf(row: Row, name: string): FieldValue {
  return name === 'expanded' ? null : ((row[name] as FieldValue | undefined) ?? null);
}
