import { Button, Group, Menu, Paper, Text } from '@mantine/core';
import { IconChevronUp, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import { BulkDialog, type BulkChoice } from './BulkDialog';
import classes from './BulkBar.module.css';

interface Props {
  resource: Resource;
  filter: string;
  q: string;
  ids: string[];
  clear: () => void;
}

/** What can be done with the ticked records, or with all that the filter finds. */
export function BulkBar({ resource, filter, q, ids, clear }: Props) {
  const { t } = useTranslation();
  const [choice, setChoice] = useState<BulkChoice | null>(null);
  const [all, setAll] = useState(false);
  if (ids.length === 0) return null;
  const reset = () => {
    setAll(false);
    clear();
  };
  const { verbs, states } = resource;
  return (
    <>
      <Paper className={classes.bar} shadow="md" withBorder p="sm" role="region" aria-label={t('bulk.bar')}>
        <Group gap="sm">
          <Text size="sm" fw={500}>
            {all ? t('bulk.allMatching') : t('bulk.selected', { count: ids.length })}
          </Text>
          {!all && q === '' && (
            <Button variant="subtle" onClick={() => setAll(true)}>
              {t('bulk.takeAll')}
            </Button>
          )}
          <Menu position="top">
            <Menu.Target>
              <Button rightSection={<IconChevronUp size={14} aria-hidden />}>{t('bulk.act')}</Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item disabled={!verbs.update} onClick={() => setChoice({ do: 'update', label: t('bulk.update') })}>
                {t('bulk.update')}
              </Menu.Item>
              {states?.moves.map((move) => (
                <Menu.Item key={move.name} disabled={!move.allowed} onClick={() => setChoice({ do: move.name, label: move.label })}>
                  {move.label}
                </Menu.Item>
              ))}
              <Menu.Divider />
              <Menu.Item disabled={!verbs.delete} color="var(--mantine-color-error)" onClick={() => setChoice({ do: 'delete', label: t('act.delete') })}>
                {t('act.delete')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
          <Button variant="default" leftSection={<IconX size={14} aria-hidden />} onClick={reset}>
            {t('bulk.clear')}
          </Button>
        </Group>
      </Paper>
      {choice && <BulkDialog resource={resource} choice={choice} target={all ? { filter } : { ids }} close={() => setChoice(null)} done={reset} />}
    </>
  );
}
