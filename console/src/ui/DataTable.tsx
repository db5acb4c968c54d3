import { Table } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './DataTable.module.css';

/** A plain table of the platform's own things: members, keys, sessions. */
export function DataTable(props: { label: string; heads: ReactNode[]; children: ReactNode; minWidth?: number; maxHeight?: number; wrap?: boolean }) {
  return (
    <Table.ScrollContainer minWidth={props.minWidth ?? 640} {...(props.maxHeight && { maxHeight: props.maxHeight })} type="native" className={classes.frame} tabIndex={0} data-wrap={props.wrap || undefined} role="region" aria-label={props.label}>
      <Table verticalSpacing={6} horizontalSpacing="sm" className={classes.table}>
        <Table.Thead>
          <Table.Tr>
            {props.heads.map((head, at) => (
              // Heads never change their order.
              // eslint-disable-next-line react/no-array-index-key
              <Table.Th key={at}>{head}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{props.children}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
