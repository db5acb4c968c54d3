import { queryOptions } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { fetchJob } from '../api/platform';
import type { Job } from '../api/types';

/** Work that this tab has started and that may still be running: the top bar shows it on every page. */
export interface Watched {
  id: string;
  label: string;
}

let watched: Watched[] = [];
const listeners = new Set<() => void>();

export function watchJob(job: Watched) {
  change([job, ...watched.filter((other) => other.id !== job.id)].slice(0, 20));
}

export function forgetJobs() {
  change([]);
}

export function useWatchedJobs(): Watched[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => watched,
  );
}

function change(next: Watched[]) {
  watched = next;
  for (const listener of listeners) listener();
}

export const isOver = (job: Job | undefined) => job !== undefined && job.status !== 'ready' && job.status !== 'running';

/** Asks again every second until the job is over. */
export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ['job', id],
    queryFn: () => fetchJob(id),
    refetchInterval: (query) => (isOver(query.state.data) ? false : 1000),
  });
