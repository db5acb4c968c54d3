import { Button, Card, Grid, Group, Menu, Text, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { IconDots, IconPencil, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';
import { findResource, fullName, readableFields, type Resource } from '../../api/meta';
import { isProblem } from '../../api/problem';
import { fetchRecord } from '../../api/records';
import { useMeta } from '../../api/session';
import type { Row } from '../../api/types';
import { NotFound } from '../../app/NotFound';
import { page } from '../../app/pages';
import { CopyId } from '../../ui/CopyId';
import { PageHead } from '../../ui/PageHead';
import { say } from '../../ui/toast';
import { Trouble } from '../../ui/Trouble';
import { Waiting } from '../../ui/Waiting';
import { When } from '../../ui/When';
import { RecordDrawer } from '../form/RecordDrawer';
import { recordTitle } from '../values/format';
import { MemberName } from '../values/titles';
import { FieldView } from '../values/ValueView';
import { DeleteDialog } from './DeleteDialog';
import { History, historyQuery } from './History';
import { Moves } from './Moves';
import { Related } from './Related';
import classes from './DetailPage.module.css';

/** One record: its fields on the left, what happened to it on the right. */
export function DetailPage() {
  const { module = '', plural = '', id = '' } = useParams();
  const resource = findResource(useMeta(), module, plural);
  return resource ? <Detail key={id} resource={resource} id={id} /> : <NotFound />;
}

function Detail({ resource, id }: { resource: Resource; id: string }) {
  const record = useQuery({ queryKey: ['records', fullName(resource), 'one', id], queryFn: ({ signal }) => fetchRecord(resource, id, signal) });
  if (record.isPending) return <Waiting />;
  if (isProblem(record.error, 404)) return <Gone resource={resource} id={id} />;
  if (record.error && !record.data) return <Trouble error={record.error} retry={() => void record.refetch()} />;
  return record.data ? <Loaded resource={resource} row={record.data.row} /> : null;
}

function Loaded({ resource, row }: { resource: Resource; row: Row }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [editing, drawer] = useDisclosure(false);
  const [deleting, setDeleting] = useState(false);
  const denied = t('denied.reason');
  return (
    <>
      <PageHead title={recordTitle(resource, row)} crumbs={[{ label: resource.labels, to: page.list(resource) }]}>
        <Moves resource={resource} row={row} />
        <Tooltip label={denied} disabled={resource.verbs.update}>
          <Button variant="default" leftSection={<IconPencil size={16} aria-hidden />} onClick={() => resource.verbs.update && drawer.open()} data-disabled={!resource.verbs.update || undefined} aria-disabled={!resource.verbs.update}>
            {t('act.edit')}
          </Button>
        </Tooltip>
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px={8} aria-label={t('list.more')}>
              <IconDots size={16} aria-hidden />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item leftSection={<IconTrash size={16} aria-hidden />} disabled={!resource.verbs.delete} onClick={() => setDeleting(true)} color="var(--mantine-color-error)">
              {t('act.delete')}
              {!resource.verbs.delete && ` · ${denied}`}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </PageHead>
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 7 }}>
          <Card padding="md" component="section" aria-label={t('record.fields')}>
            <dl className={classes.fields}>
              {readableFields(resource).map(([name, field]) => (
                <div key={name} className={classes.field}>
                  <dt>{field.label}</dt>
                  <dd>
                    <FieldView row={row} name={name} field={field} />
                  </dd>
                </div>
              ))}
            </dl>
            <Group gap="sm" mt="md" c="dimmed" fz="xs">
              <Text inherit>
                {t('record.createdAt')} <When at={row.created_at} />
                {row.created_by && (
                  <>
                    {' '}
                    {t('word.by')} <MemberName id={row.created_by} />
                  </>
                )}
              </Text>
              <Text inherit>
                {t('record.updatedAt')} <When at={row.updated_at} />
              </Text>
              <Text inherit>{t('record.version', { version: row.version })}</Text>
              <CopyId value={row.id} />
            </Group>
          </Card>
          <Related resource={resource} row={row} />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 5 }}>{resource.verbs.history && <History resource={resource} id={row.id} version={row.version} />}</Grid.Col>
      </Grid>
      <RecordDrawer
        resource={resource}
        row={row}
        opened={editing}
        close={drawer.close}
        saved={() => {
          drawer.close();
          say(t('record.saved'));
        }}
      />
      <DeleteDialog resource={resource} row={row} opened={deleting} close={() => setDeleting(false)} deleted={() => void navigate(page.list(resource))} />
    </>
  );
}

/** Deleted, hidden or never there: the server says the same. Who may see its history can bring a deleted one back. */
function Gone({ resource, id }: { resource: Resource; id: string }) {
  const { t } = useTranslation();
  const history = useQuery({ ...historyQuery(resource, id, 0), enabled: resource.verbs.history });
  if (history.isLoading) return <Waiting />;
  if (!history.data || history.data.items.length === 0) return <NotFound />;
  return (
    <>
      <PageHead title={t('record.gone', { label: resource.label })} hint={t('record.goneHint')} crumbs={[{ label: resource.labels, to: page.list(resource) }]} />
      <History resource={resource} id={id} version={0} gone />
    </>
  );
}
