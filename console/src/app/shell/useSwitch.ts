import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { switchTenant } from '../../api/platform';
import { sessionChanged } from '../tabs';
import { page } from '../pages';

/** Another company is another world: nothing of the old one may stay on the screen. */
export function useSwitch() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: switchTenant,
    onSuccess: async (me) => {
      sessionChanged();
      await navigate(page.home);
      client.clear();
      client.setQueryData(['me'], me);
    },
  });
}
