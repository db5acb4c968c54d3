import { Anchor, Card, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { fullName, type Resource } from '../../api/meta';
import { aggregate } from '../../api/records';
import { quote } from '../../resource/filter/write';
import { summable, sumText } from '../../resource/list/Totals';
import { page } from '../pages';
import classes from './Home.module.css';

/** How many records stand in each column of a board, drawn, because these numbers are compared. */
export function Pipeline({ resource }: { resource: Resource }) {
  const { t, i18n } = useTranslation();
  const name = resource.views.board ?? '';
  const field = resource.fields[name];
  const sums = summable(resource);
  const groups = useQuery({
    queryKey: ['records', fullName(resource), 'totals', 'groups', name],
    queryFn: async ({ signal }) => (await aggregate(resource, { group_by: [name], count: true, ...(sums.length > 0 && { sum: sums }) }, signal)).items,
    meta: { quiet: true },
  });
  const most = Math.max(1, ...(groups.data ?? []).map((group) => group.count ?? 0));
  return (
    <Card component="section" aria-label={t('home.pipeline', { labels: resource.labels })}>
      <Title order={2} mb="sm">
        {t('home.pipeline', { labels: resource.labels })}
      </Title>
      <ul className={classes.bars}>
        {(field?.options ?? []).map((option) => {
          const group = groups.data?.find((each) => each.group[name] === option.value);
          const query = new URLSearchParams({ filter: `${name} == ${quote(option.value)}` }).toString();
          return (
            <li key={option.value}>
              <Anchor component={Link} to={page.list(resource, query)} size="sm" c="var(--mantine-color-text)">
                {option.label}
              </Anchor>
              <span className={classes.track} aria-hidden>
                <span className={classes.bar} style={{ inlineSize: `${((group?.count ?? 0) / most) * 100}%` }} />
              </span>
              <Text size="sm" ta="end">
                {group?.count ?? 0}
                <Text span inherit c="dimmed" ms={8}>
                  {sums.map((sum) => sumText(group?.sum?.[sum], i18n.language)).filter(Boolean).join(' · ')}
                </Text>
              </Text>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
