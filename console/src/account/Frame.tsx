import { Box, Card, Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import logo from '../app/tenon.svg';
import classes from './Frame.module.css';

/** The quiet page around sign-in, sign-up and everything that a mail links to. */
export function Frame(props: { title: string; hint?: ReactNode; children?: ReactNode; foot?: ReactNode }) {
  useDocumentTitle(`${props.title} · Tenon`);
  return (
    <Box component="main" className={classes.page}>
      <Stack gap="md" className={classes.column}>
        <Group gap="sm" justify="center">
          <img src={logo} alt="" width={28} height={28} />
          <Text fw={600} size="lg">
            Tenon
          </Text>
        </Group>
        <Card padding="lg" radius="md">
          <Stack gap="md">
            <Stack gap={4}>
              <Title order={1}>{props.title}</Title>
              {props.hint && (
                <Text size="sm" c="dimmed" component="div">
                  {props.hint}
                </Text>
              )}
            </Stack>
            {props.children}
          </Stack>
        </Card>
        {props.foot && (
          <Text size="sm" ta="center" component="div">
            {props.foot}
          </Text>
        )}
      </Stack>
    </Box>
  );
}
