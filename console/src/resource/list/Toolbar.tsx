import { Button, CloseButton, Collapse, Group, Indicator, TextInput } from '@mantine/core';
import { useDebouncedCallback, useDisclosure } from '@mantine/hooks';
import { IconFilter, IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import { FilterPanel } from '../filter/FilterPanel';
import { ColumnsMenu } from './ColumnsMenu';
import type { useListState } from './useListState';

/** Search, filter and columns of a list or board. */
export function Toolbar({ resource, list }: { resource: Resource; list: ReturnType<typeof useListState> }) {
  const { t } = useTranslation();
  const [words, setWords] = useState(list.state.q ?? '');
  const search = useDebouncedCallback((q: string) => list.change({ q: q.trim() }), 250);
  const [open, panel] = useDisclosure(false);
  const type = (value: string) => {
    setWords(value);
    search(value);
  };
  return (
    <>
      <Group gap="sm" mb="sm">
        <TextInput
          size="xs"
          flex="1 1 200px"
          maw={360}
          aria-label={t('list.search', { labels: resource.labels })}
          placeholder={t('list.search', { labels: resource.labels })}
          leftSection={<IconSearch size={16} aria-hidden />}
          rightSection={words ? <CloseButton size="sm" aria-label={t('list.clearSearch')} onClick={() => type('')} /> : null}
          value={words}
          onChange={(event) => type(event.currentTarget.value)}
        />
        <Indicator disabled={!list.state.filter} color="accent" offset={2}>
          <Button variant="default" leftSection={<IconFilter size={16} aria-hidden />} onClick={panel.toggle} aria-expanded={open}>
            {t('filter.title')}
          </Button>
        </Indicator>
        {list.state.filter && (
          <Button variant="subtle" onClick={() => list.change({ filter: '' })}>
            {t('filter.clear')}
          </Button>
        )}
        {list.state.view === 'table' && <ColumnsMenu resource={resource} columns={list.state.columns} change={(columns) => list.change({ columns: columns.join(',') })} />}
      </Group>
      <Collapse expanded={open} transitionDuration={0}>
        {open && <FilterPanel key={list.state.filter} resource={resource} filter={list.state.filter ?? ''} apply={(filter) => list.change({ filter })} />}
      </Collapse>
    </>
  );
}
