import { fullName, type Resource } from '../../api/meta';
import { isProblem } from '../../api/problem';
import { fetchPage } from '../../api/records';
import { quote } from '../filter/write';
import { recordTitle } from './format';

/** As many ids as fit into a filter of 4 KiB. */
const most = 50;

interface Batch {
  ids: Set<string>;
  titles: Promise<Map<string, string>>;
}

const open = new Map<string, Batch>();

/** The title of one record. Everything asked for in the same moment goes to the server as one request per resource. */
export async function loadTitle(resource: Resource, id: string): Promise<string | null> {
  const name = fullName(resource);
  let batch = open.get(name);
  if (!batch || batch.ids.size >= most) {
    batch = begin(resource);
    open.set(name, batch);
  }
  batch.ids.add(id);
  return (await batch.titles).get(id) ?? null;
}

function begin(resource: Resource): Batch {
  const ids = new Set<string>();
  const soon = new Promise((ready) => setTimeout(ready, 10));
  const batch: Batch = {
    ids,
    titles: soon.then(() => {
      if (open.get(fullName(resource)) === batch) open.delete(fullName(resource));
      return fetchTitles(resource, [...ids]);
    }),
  };
  return batch;
}

async function fetchTitles(resource: Resource, ids: string[]): Promise<Map<string, string>> {
  try {
    const { items } = await fetchPage(resource, { limit: ids.length, filter: `id in [${ids.map(quote).join(', ')}]` });
    return new Map(items.map((row) => [row.id, recordTitle(resource, row)]));
  } catch (error) {
    if (isProblem(error, 403) || isProblem(error, 404)) return new Map();
    throw error;
  }
}
