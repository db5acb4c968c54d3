import { useSearchParams } from 'react-router';
import type { Resource } from '../../api/meta';
import type { ListQuery } from '../../api/records';

export interface ListState extends ListQuery {
  view: 'table' | 'board';
  columns: string[];
}

/** What a list shows stands in the address bar: it can be sent to a colleague, and saved under a name. */
export function useListState(resource: Resource) {
  const [params, setParams] = useSearchParams();
  const text = (name: string) => params.get(name) ?? '';
  const columns = text('columns')
    .split(',')
    .filter((name) => resource.fields[name]?.readable || name === 'created_at' || name === 'updated_at');
  const state: ListState = {
    view: text('view') === 'board' && resource.views.board ? 'board' : 'table',
    filter: text('filter'),
    q: text('q'),
    sort: text('sort'),
    columns: columns.length > 0 ? columns : resource.views.list.filter((name) => resource.fields[name]?.readable),
  };

  /** Empty values leave the address. */
  const change = (next: Partial<Record<'view' | 'filter' | 'q' | 'sort' | 'columns' | 'new', string>>) => {
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        for (const [name, value] of Object.entries(next)) {
          if (value) after.set(name, value);
          else after.delete(name);
        }
        return after;
      },
      { replace: true },
    );
  };

  /** A saved filter replaces everything. */
  const open = (query: string) => setParams(new URLSearchParams(query));
  const saved = new URLSearchParams(params);
  saved.delete('new');

  return { state, change, open, query: saved.toString(), making: params.has('new') };
}
