import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { isProblem } from '../api/problem';
import { showProblem } from '../ui/toast';

/**
 * Reads are tried again with growing pauses when the server or the network had a bad moment; changes never are (the
 * person decides). Whatever fails shows as a toast unless its place on the page says so itself (`meta.quiet`).
 */
export function makeQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (isProblem(error, 401)) signedOut(client);
        else if (query.state.data !== undefined && !query.meta?.quiet) showProblem(error);
      },
    }),
    mutationCache: new MutationCache({
      onError: (error, _variables, _context, mutation) => {
        if (isProblem(error, 401) && !mutation.meta?.public) signedOut(client);
        if (!mutation.meta?.quiet) showProblem(error);
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (times, error) => times < 3 && (!isProblem(error) || error.passing),
        retryDelay: (times, error) => (isProblem(error) && error.retryAfter !== null ? error.retryAfter * 1000 : Math.min(500 * 2 ** times, 8000)),
      },
      mutations: { retry: false },
    },
  });
  return client;
}

/** The session ended somewhere else: the shell sees nobody and shows the way to sign in. */
function signedOut(client: QueryClient) {
  if (client.getQueryData(['me'])) client.setQueryData(['me'], null);
}
