import { Anchor, Checkbox, Text, UnstyledButton } from '@mantine/core';
import { rowSelectionFeature, tableFeatures, useTable, type ColumnDef, type RowSelectionState } from '@tanstack/react-table';
import { IconArrowDown, IconArrowUp, IconSelector } from '@tabler/icons-react';
import { useMemo, type Dispatch, type SetStateAction } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Field, Resource } from '../../api/meta';
import type { Row } from '../../api/types';
import { page } from '../../app/pages';
import { When } from '../../ui/When';
import { recordFields } from '../filter/clauses';
import { recordTitle } from '../values/format';
import { FieldView } from '../values/ValueView';
import { directionOf, nextSort } from './sort';
import classes from './RecordTable.module.css';

const features = tableFeatures({ rowSelectionFeature });
type Column = ColumnDef<typeof features, Row>;

interface Props {
  resource: Resource;
  rows: Row[];
  columns: string[];
  sort: string;
  setSort: (sort: string) => void;
  selected: RowSelectionState;
  setSelected: Dispatch<SetStateAction<RowSelectionState>>;
  busy: boolean;
}

export function RecordTable({ resource, rows, columns, sort, setSort, selected, setSelected, busy }: Props) {
  const { t } = useTranslation();
  const fields = useMemo(() => Object.fromEntries(recordFields(resource, { created: t('record.createdAt'), updated: t('record.updatedAt') })), [resource, t]);
  const definitions = useMemo(() => columns.flatMap((name, at): Column[] => (fields[name] ? [column(resource, name, fields[name], at === 0)] : [])), [resource, columns, fields]);
  const table = useTable({ features, columns: definitions, data: rows, getRowId: (row) => row.id, state: { rowSelection: selected }, onRowSelectionChange: setSelected });
  const selectable = resource.verbs.bulk;

  return (
    <section className={classes.frame} aria-label={resource.labels} aria-busy={busy} tabIndex={0} data-busy={busy || undefined}>
      <table className={classes.table}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {selectable && (
                <th className={classes.tick}>
                  <Checkbox size="xs" aria-label={t('list.selectPage')} checked={table.getIsAllRowsSelected()} indeterminate={table.getIsSomeRowsSelected()} onChange={table.getToggleAllRowsSelectedHandler()} />
                </th>
              )}
              {group.headers.map((header) => {
                const name = header.column.id;
                const field = fields[name];
                return field ? <Head key={header.id} name={name} field={field} sort={sort} setSort={setSort} /> : null;
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id} data-selected={row.getIsSelected() || undefined}>
              {selectable && (
                <td className={classes.tick}>
                  <Checkbox size="xs" aria-label={t('list.select', { title: recordTitle(resource, row.original) })} checked={row.getIsSelected()} onChange={row.getToggleSelectedHandler()} />
                </td>
              )}
              {row.getAllCells().map((cell) => (
                <td key={cell.id} data-number={isNumber(fields[cell.column.id]) || undefined}>
                  <table.FlexRender cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const isNumber = (field: Field | undefined) => field?.type === 'integer' || field?.type === 'money';

function column(resource: Resource, name: string, field: Field, first: boolean): Column {
  return {
    id: name,
    header: field.label,
    cell: ({ row: { original } }) => {
      if (name === 'created_at' || name === 'updated_at') return <When at={original[name]} />;
      if (!first) return <FieldView row={original} name={name} field={field} plain />;
      return (
        <Anchor component={Link} to={page.record(resource, original.id)} inherit fw={500} c="var(--mantine-color-text)">
          {original[name] === null || field.type === 'ref' || field.type === 'user' ? recordTitle(resource, original) : <FieldView row={original} name={name} field={field} plain />}
        </Anchor>
      );
    },
  };
}

function Head({ name, field, sort, setSort }: { name: string; field: Field; sort: string; setSort: (sort: string) => void }) {
  const { t } = useTranslation();
  const direction = directionOf(sort, name);
  const Arrow = direction === 'ascending' ? IconArrowUp : direction === 'descending' ? IconArrowDown : IconSelector;
  return (
    <th scope="col" aria-sort={field.sortable ? direction : undefined} data-number={isNumber(field) || undefined}>
      {field.sortable ? (
        <UnstyledButton className={classes.sort} onClick={(event) => setSort(nextSort(sort, name, event.shiftKey))} title={t('list.sortHint')}>
          {field.label}
          <Arrow size={14} aria-hidden opacity={direction === 'none' ? 0.45 : 1} />
        </UnstyledButton>
      ) : (
        <Text inherit span>
          {field.label}
        </Text>
      )}
    </th>
  );
}
