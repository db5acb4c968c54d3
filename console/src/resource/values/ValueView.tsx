import { Anchor, Badge, Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Field } from '../../api/meta';
import type { FieldValue, Row } from '../../api/types';
import { page } from '../../app/pages';
import { expandedOf, formatValue, optionLabel, valueOf } from './format';
import { MemberName, RefTitle } from './titles';

interface Props {
  field: Field;
  value: FieldValue;
  /** The title that came with the record; asked for by id when it did not. */
  title?: string | null | undefined;
  /** In a list cell: one line, no links of its own. */
  plain?: boolean;
}

/** One field of a record. */
export function FieldView({ row, name, field, plain }: { row: Row; name: string; field: Field; plain?: boolean }) {
  const expanded = expandedOf(row, name);
  return <ValueView field={field} value={valueOf(row, name)} title={row.expanded && name in row.expanded ? (expanded?.title ?? null) : undefined} plain={plain ?? false} />;
}

/** Any value by its type, wherever it stands: list, record, history, conflict. */
export function ValueView({ field, value, title, plain }: Props) {
  const { t, i18n } = useTranslation();
  if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) return <Nothing />;
  switch (field.type) {
    case 'ref':
      return <RefView to={field.to} id={String(value)} title={title} plain={plain} />;
    case 'user':
      return title ? <>{title}</> : <MemberName id={String(value)} />;
    case 'choice':
      return <Badge>{optionLabel(field, String(value))}</Badge>;
    case 'tags': {
      const tags = Array.isArray(value) ? value : [String(value)];
      if (plain) return <>{tags.join(', ')}</>;
      return (
        <Group gap={4} component="span">
          {tags.map((tag) => (
            <Badge key={tag}>{tag}</Badge>
          ))}
        </Group>
      );
    }
    case 'url':
      return plain ? <>{String(value).replace(/^https?:\/\/(www\.)?/, '')}</> : <Outside href={String(value)} text={String(value)} />;
    case 'email':
      return plain ? <>{String(value)}</> : <Outside href={`mailto:${String(value)}`} text={String(value)} />;
    case 'phone':
      return plain ? <>{String(value)}</> : <Outside href={`tel:${String(value).replace(/[^\d+]/g, '')}`} text={String(value)} />;
    case 'text':
    case 'integer':
    case 'boolean':
    case 'date':
    case 'datetime':
    case 'money':
      return <span style={plain ? undefined : { whiteSpace: 'pre-line' }}>{formatValue(field, value, i18n.language, { yes: t('word.yes'), no: t('word.no') })}</span>;
  }
}

function Nothing() {
  return (
    <Text c="dimmed" inherit span aria-hidden>
      –
    </Text>
  );
}

function RefView({ to, id, title, plain }: { to: string | undefined; id: string; title: string | null | undefined; plain: boolean | undefined }) {
  const [module, plural] = (to ?? '').split('.');
  const shown = title === undefined ? <RefTitle to={to} id={id} /> : (title ?? <HiddenTitle />);
  if (plain || title === null || !module || !plural) return <>{shown}</>;
  return (
    <Anchor component={Link} to={page.record({ module, plural }, id)} inherit>
      {shown}
    </Anchor>
  );
}

function HiddenTitle() {
  const { t } = useTranslation();
  return (
    <Text c="dimmed" inherit span>
      {t('record.hiddenTitle')}
    </Text>
  );
}

/** Only addresses that cannot run code become links. */
function Outside({ href, text }: { href: string; text: string }) {
  if (!/^(https?:|mailto:|tel:)/i.test(href)) return <>{text}</>;
  return (
    <Anchor href={href} target={href.startsWith('http') ? '_blank' : undefined} rel="noopener noreferrer" inherit>
      {text}
    </Anchor>
  );
}
