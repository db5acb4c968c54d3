import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from 'react-router';
import { signOut } from '../../api/platform';
import { sessionChanged } from '../tabs';
import { page } from '../pages';

export function useSignOut() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: signOut,
    onSuccess: async () => {
      sessionChanged();
      await navigate(page.signIn);
      client.clear();
    },
  });
}
