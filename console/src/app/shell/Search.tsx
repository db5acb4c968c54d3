import { Text, useMantineColorScheme } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight } from '@mantine/spotlight';
import { useQuery } from '@tanstack/react-query';
import { IconArrowRight, IconFileImport, IconLogout, IconMoon, IconPlus, IconSearch } from '@tabler/icons-react';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { findByFullName, products } from '../../api/meta';
import { searchEverything } from '../../api/platform';
import { useMeta } from '../../api/session';
import { NamedIcon } from '../../ui/icons';
import { page } from '../pages';
import { searchStore, selectFirst } from './searchBox';
import { useSignOut } from './useSignOut';

interface Choice {
  key: string;
  label: string;
  hint?: string;
  icon: ReactNode;
  run: () => void;
}

/** Cmd/Ctrl+K: go somewhere, do something, or find a record by its words. */
export function Search() {
  const { t } = useTranslation();
  const [words, setWords] = useState('');
  const records = useRecordChoices(words);
  const places = usePlaces().filter((choice) => matches(choice, words));
  const actions = useActions().filter((choice) => matches(choice, words));
  const groups = [
    { label: t('search.records'), choices: records.choices },
    { label: t('search.pages'), choices: places },
    { label: t('search.actions'), choices: actions },
  ].filter((group) => group.choices.length > 0);
  const shown = groups.flatMap((group) => group.choices.map((choice) => choice.key)).join(' ');
  useEffect(selectFirst, [shown]);
  return (
    <Spotlight.Root store={searchStore} query={words} onQueryChange={setWords} shortcut={['mod + K']} scrollable maxHeight="70dvh" overlayProps={{ backgroundOpacity: 0.4, blur: 0 }} clearQueryOnClose attributes={{ content: { 'aria-label': t('search.button') } }}>
      <Spotlight.Search placeholder={t('search.placeholder')} aria-label={t('search.button')} leftSection={<IconSearch size={18} aria-hidden />} />
      <Spotlight.ActionsList tabIndex={0}>
        {groups.map((group) => (
          <Spotlight.ActionsGroup key={group.label} label={group.label}>
            {group.choices.map((choice) => (
              <Spotlight.Action key={choice.key} label={choice.label} description={choice.hint} leftSection={choice.icon} onClick={choice.run} />
            ))}
          </Spotlight.ActionsGroup>
        ))}
        {groups.length === 0 && !records.loading && (
          <Spotlight.Empty>
            <Text size="sm" c="dimmed">
              {t('search.none')}
            </Text>
          </Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

const matches = (choice: Choice, words: string) => words.trim() === '' || choice.label.toLowerCase().includes(words.trim().toLowerCase());

function useRecordChoices(words: string): { choices: Choice[]; loading: boolean } {
  const meta = useMeta();
  const navigate = useNavigate();
  const [settled] = useDebouncedValue(words.trim(), 200);
  const hits = useQuery({
    queryKey: ['search', settled],
    queryFn: ({ signal }) => searchEverything(settled, signal),
    enabled: settled.length > 0,
    placeholderData: (before) => before,
  });
  if (settled === '' || words.trim() === '') return { choices: [], loading: false };
  const choices = (hits.data?.items ?? []).flatMap((hit) => {
    const resource = findByFullName(meta, hit.resource);
    if (!resource) return [];
    const icon = <NamedIcon names={[resource.icon, resource.plural]} />;
    return [{ key: `${hit.resource}/${hit.id}`, label: hit.title, hint: resource.label, icon, run: () => void navigate(page.record(resource, hit.id)) }];
  });
  return { choices, loading: hits.isFetching };
}

function usePlaces(): Choice[] {
  const { t } = useTranslation();
  const meta = useMeta();
  const navigate = useNavigate();
  const arrow = <IconArrowRight size={18} stroke={1.6} className="turns" aria-hidden />;
  const own: [string, string][] = [
    [page.home, t('nav.home')],
    [page.members, t('nav.members')],
    [page.roles, t('nav.roles')],
    [page.keys, t('nav.keys')],
    [page.events, t('nav.events')],
    [page.modules, t('nav.modules')],
    [page.profile, t('profile.title')],
  ];
  return [...products(meta).nav.map((entry): [string, string] => [entry.path, entry.label]), ...own].map(([to, label]) => ({ key: to, label, icon: arrow, run: () => void navigate(to) }));
}

function useActions(): Choice[] {
  const { t } = useTranslation();
  const meta = useMeta();
  const navigate = useNavigate();
  const { toggleColorScheme } = useMantineColorScheme();
  const out = useSignOut();
  const { resources } = products(meta);
  return [
    ...resources
      .filter((resource) => resource.verbs.create)
      .map((resource) => ({ key: `new ${resource.plural}`, label: t('list.new', { label: resource.label }), icon: <IconPlus size={18} aria-hidden />, run: () => void navigate(page.make(resource)) })),
    ...resources
      .filter((resource) => resource.verbs.import)
      .map((resource) => ({ key: `import ${resource.plural}`, label: t('import.title', { labels: resource.labels }), icon: <IconFileImport size={18} aria-hidden />, run: () => void navigate(page.imports(resource)) })),
    { key: 'look', label: t('look.toggle'), icon: <IconMoon size={18} aria-hidden />, run: toggleColorScheme },
    { key: 'out', label: t('profile.signOut'), icon: <IconLogout size={18} className="turns" aria-hidden />, run: () => out.mutate(false) },
  ];
}
