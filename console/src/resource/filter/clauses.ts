import type { Field, FieldType, Resource } from '../../api/meta';
import { readableFields } from '../../api/meta';

/** One line of the filter builder. `value` is what the person sees: `12.50`, `2026-11-20`, an id. */
export interface Clause {
  field: string;
  op: Op;
  value: string;
  /** For money only. */
  currency?: string | undefined;
}

export interface Filter {
  join: 'and' | 'or';
  clauses: Clause[];
}

export type Op = 'is' | 'isNot' | 'contains' | 'startsWith' | 'lt' | 'le' | 'gt' | 'ge' | 'oneOf' | 'has' | 'hasNot' | 'yes' | 'no' | 'mine' | 'empty' | 'filled';

const text: Op[] = ['contains', 'startsWith', 'is', 'isNot', 'empty', 'filled'];
const ordered: Op[] = ['is', 'isNot', 'lt', 'le', 'gt', 'ge', 'empty', 'filled'];

const byType: Record<FieldType, Op[]> = {
  text,
  email: text,
  url: text,
  phone: text,
  integer: ordered,
  date: ordered,
  datetime: ['lt', 'ge', 'empty', 'filled'],
  money: ['ge', 'gt', 'le', 'lt', 'is', 'empty', 'filled'],
  boolean: ['yes', 'no', 'empty'],
  choice: ['is', 'isNot', 'oneOf', 'empty', 'filled'],
  tags: ['has', 'hasNot', 'empty', 'filled'],
  ref: ['is', 'isNot', 'empty', 'filled'],
  user: ['mine', 'is', 'isNot', 'empty', 'filled'],
};

export const opsFor = (type: FieldType): Op[] => byType[type];

/** These say everything by themselves. */
export const needsValue = (op: Op) => !['yes', 'no', 'mine', 'empty', 'filled'].includes(op);

const always: Pick<Field, 'required' | 'unique' | 'search' | 'readable' | 'writable' | 'filterable' | 'sortable'> = {
  required: true,
  unique: false,
  search: false,
  readable: true,
  writable: false,
  filterable: true,
  sortable: true,
};

/** Two of the columns that every record has are worth filtering and showing. */
export function recordFields(resource: Resource, words: { created: string; updated: string }): [string, Field][] {
  return [
    ...readableFields(resource),
    ['created_at', { ...always, type: 'datetime', label: words.created }],
    ['updated_at', { ...always, type: 'datetime', label: words.updated }],
  ];
}
