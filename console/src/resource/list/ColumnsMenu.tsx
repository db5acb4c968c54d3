import { Button, Checkbox, Popover, ScrollArea, Stack } from '@mantine/core';
import { IconColumns } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import { recordFields } from '../filter/clauses';

/** Which columns a list shows. One always stays. */
export function ColumnsMenu({ resource, columns, change }: { resource: Resource; columns: string[]; change: (columns: string[]) => void }) {
  const { t } = useTranslation();
  const fields = recordFields(resource, { created: t('record.createdAt'), updated: t('record.updatedAt') });
  const toggle = (name: string, on: boolean) => change(on ? [...columns, name] : columns.filter((column) => column !== name));
  return (
    <Popover position="bottom-start" shadow="md" trapFocus>
      <Popover.Target>
        <Button variant="default" leftSection={<IconColumns size={16} aria-hidden />}>
          {t('list.columns')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('list.columns')}>
        <ScrollArea.Autosize mah={360}>
          <Stack gap="sm" pe="md">
            {fields.map(([name, field]) => (
              <Checkbox key={name} size="xs" label={field.label} checked={columns.includes(name)} disabled={columns.length === 1 && columns[0] === name} onChange={(event) => toggle(name, event.currentTarget.checked)} />
            ))}
          </Stack>
        </ScrollArea.Autosize>
      </Popover.Dropdown>
    </Popover>
  );
}
