import { lazy, Suspense } from 'react';
import { useParams } from 'react-router';
import { findResource, type Resource } from '../../api/meta';
import { useMeta } from '../../api/session';
import { NotFound } from '../../app/NotFound';
import { Waiting } from '../../ui/Waiting';
import { RecordDrawer } from '../form/RecordDrawer';
import { ListHead } from './ListHead';
import { TableView } from './TableView';
import { useListState } from './useListState';
import { Toolbar } from './Toolbar';
import { useNavigate } from 'react-router';
import { page } from '../../app/pages';
import { say } from '../../ui/toast';
import { useTranslation } from 'react-i18next';

const Board = lazy(async () => ({ default: (await import('../board/Board')).Board }));

/** The list of any resource, drawn from its declaration. */
export function ListPage() {
  const { module = '', plural = '' } = useParams();
  const resource = findResource(useMeta(), module, plural);
  return resource ? <Records key={`${module}.${plural}`} resource={resource} /> : <NotFound />;
}

function Records({ resource }: { resource: Resource }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const list = useListState(resource);
  return (
    <>
      <ListHead resource={resource} list={list} />
      <Toolbar resource={resource} list={list} />
      {list.state.view === 'board' ? (
        <Suspense fallback={<Waiting />}>
          <Board resource={resource} query={list.state} />
        </Suspense>
      ) : (
        <TableView resource={resource} list={list} />
      )}
      <RecordDrawer
        resource={resource}
        opened={list.making && resource.verbs.create}
        close={() => list.change({ new: '' })}
        saved={(row) => {
          say(t('record.created', { label: resource.label }));
          void navigate(page.record(resource, row.id));
        }}
      />
    </>
  );
}
