import { Drawer } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import type { Row } from '../../api/types';
import { recordTitle } from '../values/format';
import { RecordForm } from './RecordForm';

interface Props {
  resource: Resource;
  opened: boolean;
  row?: Row | undefined;
  preset?: Record<string, { value: string; title: string }> | undefined;
  close: () => void;
  saved: (row: Row) => void;
}

/** The form of a record, beside the page it belongs to. */
export function RecordDrawer({ resource, opened, row, preset, close, saved }: Props) {
  const { t } = useTranslation();
  const title = row ? t('record.edit', { title: recordTitle(resource, row) }) : t('list.new', { label: resource.label });
  return (
    <Drawer opened={opened} onClose={close} title={title} size="md" closeButtonProps={{ 'aria-label': t('act.close') }} keepMounted={false}>
      <RecordForm resource={resource} row={row} preset={preset} cancel={close} saved={saved} />
    </Drawer>
  );
}
