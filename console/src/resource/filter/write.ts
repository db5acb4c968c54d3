import type { FieldType } from '../../api/meta';
import { toMinor } from '../values/money';
import { needsValue, type Clause, type Filter } from './clauses';

export type Types = Record<string, FieldType>;

/** A filter as the server reads it (CEL). Clauses that are not filled in yet are left out. */
export function writeFilter(filter: Filter, types: Types, currency: string): string {
  const parts = filter.clauses.map((clause) => writeClause({ currency, ...clause }, types[clause.field])).filter((part) => part !== null);
  return parts.join(filter.join === 'and' ? ' && ' : ' || ');
}

/** Any text as a CEL literal: JSON's escapes are a subset of CEL's. */
export const quote = (text: string) => JSON.stringify(text);

function writeClause({ field, op, value, currency }: Clause, type: FieldType | undefined): string | null {
  if (type === undefined) return null;
  if (needsValue(op) && value.trim() === '') return null;
  switch (op) {
    case 'empty':
      return type === 'tags' ? `size(${field}) == 0` : `${field} == null`;
    case 'filled':
      return type === 'tags' ? `size(${field}) > 0` : `${field} != null`;
    case 'yes':
      return `${field} == true`;
    case 'no':
      return `${field} == false`;
    case 'mine':
      return `${field} == actor.id`;
    case 'contains':
      return `${field}.contains(${quote(value)})`;
    case 'startsWith':
      return `${field}.startsWith(${quote(value)})`;
    case 'has':
      return `${quote(value)} in ${field}`;
    case 'hasNot':
      return `!(${quote(value)} in ${field})`;
    case 'oneOf':
      return `${field} in [${value.split(',').map(quote).join(', ')}]`;
    case 'is':
    case 'isNot':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return compare(field, signs[op], value, type, currency ?? '');
  }
}

export const signs = { is: '==', isNot: '!=', lt: '<', le: '<=', gt: '>', ge: '>=' } as const;

function compare(field: string, sign: string, value: string, type: FieldType, currency: string): string | null {
  if (type === 'money') {
    const major = Number(value);
    return Number.isFinite(major) ? `(${field}.currency == ${quote(currency)} && ${field}.minor ${sign} ${toMinor(major, currency)})` : null;
  }
  if (type === 'integer') return /^-?\d+$/.test(value.trim()) ? `${field} ${sign} ${value.trim()}` : null;
  if (type === 'datetime') {
    const moment = new Date(value);
    return Number.isNaN(moment.getTime()) ? null : `${field} ${sign} timestamp(${quote(moment.toISOString())})`;
  }
  return `${field} ${sign} ${quote(value)}`;
}
