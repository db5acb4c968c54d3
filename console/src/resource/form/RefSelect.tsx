import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { findByFullName } from '../../api/meta';
import { fetchPage } from '../../api/records';
import { useMeta } from '../../api/session';
import { recordTitle } from '../values/format';
import { useTitle } from '../values/titles';

interface Props {
  label: string;
  ariaLabel?: string;
  size?: 'xs' | 'sm';
  w?: number;
  required?: boolean;
  error?: React.ReactNode;
  to: string | undefined;
  value: string | null;
  title?: string | null | undefined;
  onChange: (id: string | null, title: string | null) => void;
}

/** Chooses a record by its title: asks the server while somebody types. */
export function RefSelect({ to, value, title, onChange, ariaLabel, ...rest }: Props) {
  const { t } = useTranslation();
  const resource = findByFullName(useMeta(), to);
  const [words, setWords] = useState('');
  const [settled] = useDebouncedValue(words.trim(), 200);
  const [chosen, setChosen] = useState<{ value: string; label: string } | null>(null);
  const [open, setOpen] = useState(false);
  const lookedUp = useTitle(to, value !== null && title === undefined && chosen?.value !== value ? value : null);
  const current = chosen?.value === value ? chosen : value ? { value, label: title ?? lookedUp ?? t('record.hiddenTitle') } : null;
  const asked = settled === current?.label ? '' : settled;
  const hits = useQuery({
    queryKey: ['choices', to, asked],
    queryFn: ({ signal }) => (resource ? fetchPage(resource, { limit: 20, ...(asked && { q: asked }) }, signal) : Promise.resolve({ items: [], next: null })),
    enabled: open && resource !== undefined,
    placeholderData: (before) => before,
  });
  const found = resource ? (hits.data?.items ?? []).map((row) => ({ value: row.id, label: recordTitle(resource, row) })) : [];
  const data = current && !found.some((choice) => choice.value === current.value) ? [current, ...found] : found;
  return (
    <Select
      {...rest}
      aria-label={ariaLabel}
      searchable
      clearable={!rest.required}
      data={data}
      value={value}
      onSearchChange={setWords}
      onDropdownOpen={() => setOpen(true)}
      onDropdownClose={() => setOpen(false)}
      onChange={(id, choice) => {
        setChosen(id && choice ? { value: id, label: choice.label } : null);
        onChange(id, choice?.label ?? null);
      }}
      filter={({ options }) => options}
      nothingFoundMessage={hits.isFetching ? t('act.loading') : t('search.none')}
      placeholder={t('form.typeToSearch')}
    />
  );
}
