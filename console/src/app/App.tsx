import { DirectionProvider, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { useState } from 'react';
import { RouterProvider } from 'react-router';
import { initialDirection, schemeManager } from './look';
import { makeQueryClient } from './queryClient';
import { makeRouter } from './routes';
import { theme, variables } from './theme';
import classes from './App.module.css';

export function App({ styleNonce }: { styleNonce: string }) {
  const [client] = useState(makeQueryClient);
  const [router] = useState(makeRouter);
  const [direction] = useState(initialDirection);
  return (
    <DirectionProvider initialDirection={direction} detectDirection={false}>
      <MantineProvider theme={theme} cssVariablesResolver={variables} colorSchemeManager={schemeManager} defaultColorScheme="auto" getStyleNonce={() => styleNonce}>
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
        </QueryClientProvider>
        <Notifications position="bottom-right" classNames={{ notification: classes.toast }} />
      </MantineProvider>
    </DirectionProvider>
  );
}
