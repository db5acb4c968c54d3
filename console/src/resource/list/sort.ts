/** The server sorts by three fields at most. */
const most = 3;

/**
 * The sort after a click on a column: up, down, and back to the list's own order. `also` keeps the columns that are
 * sorted by already, and this one comes after them.
 */
export function nextSort(sort: string, column: string, also: boolean): string {
  const before = sort.split(',').filter(Boolean);
  const next = { none: column, ascending: `-${column}`, descending: '' }[directionOf(sort, column)];
  if (!also) return next;
  const at = before.findIndex((each) => bare(each) === column);
  if (at < 0) return [...before, next].slice(-most).join(',');
  return before.toSpliced(at, 1, ...(next ? [next] : [])).join(',');
}

export function directionOf(sort: string, column: string): 'ascending' | 'descending' | 'none' {
  const found = sort.split(',').find((each) => bare(each) === column);
  if (found === undefined) return 'none';
  return found.startsWith('-') ? 'descending' : 'ascending';
}

const bare = (each: string) => each.replace(/^-/, '');
