import { queryOptions, type QueryClient } from '@tanstack/react-query';
import { fetchJob, fetchJobs } from '../api/platform';
import type { Job } from '../api/types';

export const isOver = (job: Job | undefined) => job !== undefined && job.status !== 'ready' && job.status !== 'running';

/** Somebody's own jobs of late. Looks again while one of them is running. */
export const jobsQuery = queryOptions({
  queryKey: ['jobs'],
  queryFn: async ({ signal }) => (await fetchJobs(signal)).items,
  refetchInterval: (query) => (query.state.data?.some((job) => !isOver(job)) ? 2000 : false),
  meta: { quiet: true },
});

/** Asks again every second until the job is over. */
export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ['job', id],
    queryFn: () => fetchJob(id),
    refetchInterval: (query) => (isOver(query.state.data) ? false : 1000),
  });

/** A job was started or stopped: the top bar should know. */
export function jobsChanged(client: QueryClient) {
  void client.invalidateQueries({ queryKey: ['jobs'] });
}
