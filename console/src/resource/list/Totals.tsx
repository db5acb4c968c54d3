import { Group, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { fullName, type Resource } from '../../api/meta';
import { aggregate, fetchPage } from '../../api/records';
import type { AggregateGroup } from '../../api/types';
import { formatMoney } from '../values/money';

/** How many records match, and the sums of the columns that can be summed. */
export function Totals({ resource, columns, filter, q }: { resource: Resource; columns: string[]; filter: string; q: string }) {
  const { t, i18n } = useTranslation();
  const sums = summable(resource).filter((name) => columns.includes(name));
  const totals = useQuery({
    queryKey: ['records', fullName(resource), 'totals', { filter, q, sums }],
    queryFn: async ({ signal }): Promise<AggregateGroup> => {
      // Sums do not know a search by words; the count does.
      if (q) return { group: {}, count: (await fetchPage(resource, { filter, q, limit: 1, count: true }, signal)).total ?? 0 };
      const answer = await aggregate(resource, { ...(filter && { filter }), count: true, ...(sums.length > 0 && { sum: sums }) }, signal);
      return answer.items[0] ?? { group: {}, count: 0 };
    },
    enabled: resource.verbs.aggregate,
    placeholderData: keepPreviousData,
    meta: { quiet: true },
  });
  const { data } = totals;
  if (!data) return <span />;
  return (
    <Group gap="md" c="dimmed" fz="sm" aria-live="polite">
      <Text inherit>{t('list.count', { count: data.count ?? 0, formatted: new Intl.NumberFormat(i18n.language).format(data.count ?? 0) })}</Text>
      {sums.map((name) => {
        const text = sumText(data.sum?.[name], i18n.language);
        return text ? (
          <Text inherit key={name}>
            {resource.fields[name]?.label}: <strong>{text}</strong>
          </Text>
        ) : null;
      })}
    </Group>
  );
}

export function summable(resource: Resource): string[] {
  return Object.entries(resource.fields)
    .filter(([, field]) => field.readable && (field.type === 'money' || field.type === 'integer'))
    .map(([name]) => name);
}

/** Money is summed per currency and never across. */
export function sumText(sum: AggregateGroup['sum'] extends infer S ? (S extends Record<string, infer V> ? V | undefined : never) : never, language: string): string {
  if (sum === null || sum === undefined) return '';
  if (typeof sum === 'number') return new Intl.NumberFormat(language).format(sum);
  return sum.map((money) => formatMoney(money, language)).join(' + ');
}
