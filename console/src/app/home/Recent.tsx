import { Anchor, Badge, Card, Group, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { ActorName } from '../../account/events/ActorName';
import { findByFullName } from '../../api/meta';
import { fetchEvents } from '../../api/platform';
import { useMeta } from '../../api/session';
import type { Event } from '../../api/types';
import { eventLabel, eventNoun } from '../../resource/detail/eventLabel';
import { RefTitle } from '../../resource/values/titles';
import { When } from '../../ui/When';
import { page } from '../pages';
import classes from './Home.module.css';

/** The head of the log. */
export function Recent() {
  const { t } = useTranslation();
  const list = useQuery({ queryKey: ['events', 'recent'], queryFn: ({ signal }) => fetchEvents(new URLSearchParams({ limit: '8' }), signal), meta: { quiet: true } });
  return (
    <Card component="section" aria-label={t('home.recent')}>
      <Group justify="space-between" mb="sm">
        <Title order={2}>{t('home.recent')}</Title>
        <Anchor component={Link} to={page.events} size="sm">
          {t('nav.events')}
        </Anchor>
      </Group>
      <ul className={classes.events}>
        {list.data?.items.map((event) => (
          <li key={event.id}>
            <What event={event} />
            <Text size="xs" c="dimmed">
              <ActorName event={event} /> · <When at={event.at} />
            </Text>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function What({ event }: { event: Event }) {
  const { t } = useTranslation();
  const meta = useMeta();
  const [name = '', id] = event.subject.split('/');
  const resource = findByFullName(meta, name);
  const verb = eventLabel(event.type, resource, t);
  if (!resource || !id) {
    return (
      <Group gap="sm" wrap="nowrap">
        <Text size="sm">{eventNoun(event.type)}</Text>
        <Badge>{verb}</Badge>
      </Group>
    );
  }
  return (
    <Group gap="sm" wrap="nowrap">
      <Anchor component={Link} to={page.record(resource, id)} size="sm" truncate>
        <RefTitle to={name} id={id} />
      </Anchor>
      <Badge>{verb}</Badge>
    </Group>
  );
}
