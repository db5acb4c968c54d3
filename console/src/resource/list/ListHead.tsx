import { ActionIcon, Button, Menu, SegmentedControl, Tooltip, VisuallyHidden } from '@mantine/core';
import { IconDots, IconFileExport, IconFileImport, IconLayoutKanban, IconPlus, IconTable } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Resource } from '../../api/meta';
import { exportPath } from '../../api/records';
import { page } from '../../app/pages';
import { PageHead } from '../../ui/PageHead';
import { SavedViews } from './SavedViews';
import type { useListState } from './useListState';

/** The list's title and what can be done with the whole of it. What somebody may not do is shown, disabled, with the reason. */
export function ListHead({ resource, list }: { resource: Resource; list: ReturnType<typeof useListState> }) {
  const { t } = useTranslation();
  const { verbs } = resource;
  const denied = t('denied.reason');
  return (
    <PageHead title={resource.labels}>
      {resource.views.board && (
        <SegmentedControl
          size="xs"
          aria-label={t('list.view')}
          value={list.state.view}
          onChange={(view) => list.change({ view: view === 'board' ? 'board' : '' })}
          data={[
            { value: 'table', label: <ViewIcon icon={<IconTable size={16} aria-hidden />} label={t('list.table')} /> },
            { value: 'board', label: <ViewIcon icon={<IconLayoutKanban size={16} aria-hidden />} label={t('list.board')} /> },
          ]}
        />
      )}
      <SavedViews resource={resource} list={list} />
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size="md" aria-label={t('list.more')}>
            <IconDots size={16} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {verbs.import ? (
            <Menu.Item leftSection={<IconFileImport size={16} aria-hidden />} component={Link} to={page.imports(resource)}>
              {t('list.import')}
            </Menu.Item>
          ) : (
            <Menu.Item leftSection={<IconFileImport size={16} aria-hidden />} disabled>
              {t('list.import')} · {denied}
            </Menu.Item>
          )}
          {verbs.export && (
            <Menu.Item leftSection={<IconFileExport size={16} aria-hidden />} component="a" href={exportPath(resource, list.state)} download={`${resource.plural}.csv`}>
              {t('list.export')}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Tooltip label={denied} disabled={verbs.create}>
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => verbs.create && list.change({ new: '1' })} data-disabled={!verbs.create || undefined} aria-disabled={!verbs.create}>
          {t('list.new', { label: resource.label })}
        </Button>
      </Tooltip>
    </PageHead>
  );
}

function ViewIcon({ icon, label }: { icon: React.ReactNode; label: string }) {
  return (
    <span style={{ display: 'flex', alignItems: 'center' }} title={label}>
      {icon}
      <VisuallyHidden>{label}</VisuallyHidden>
    </span>
  );
}
