import { Checkbox, Group, NumberInput, Select, TagsInput, Textarea, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Field } from '../../api/meta';
import { digits } from '../values/money';
import type { Draft, MoneyDraft } from './draft';
import { RefSelect } from './RefSelect';
import { UserSelect } from './UserSelect';

interface Props {
  field: Field;
  value: Draft;
  onChange: (value: Draft) => void;
  error?: React.ReactNode;
  /** The title of the reference that is already chosen. */
  title?: string | null | undefined;
  /** The keyboard starts here when the form opens. */
  first?: boolean;
}

/** The input that fits a field's type. */
export function FieldInput({ field, value, onChange, error, title, first }: Props) {
  const common = { label: field.label, required: field.required, error, ...(first && { 'data-autofocus': true }) };
  const text = typeof value === 'string' ? value : '';
  const onText = (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value);
  switch (field.type) {
    case 'text':
      return (field.max ?? 0) > 300 || /notes|description|products|people/i.test(field.label) ? (
        <Textarea {...common} value={text} onChange={onText} autosize minRows={2} maxRows={10} />
      ) : (
        <TextInput {...common} value={text} onChange={onText} maxLength={field.max} />
      );
    case 'email':
      return <TextInput {...common} type="email" value={text} onChange={onText} />;
    case 'url':
      return <TextInput {...common} type="url" inputMode="url" placeholder="https://" value={text} onChange={onText} />;
    case 'phone':
      return <TextInput {...common} type="tel" value={text} onChange={onText} />;
    case 'integer':
      return <NumberInput {...common} value={text} onChange={(number) => onChange(String(number))} allowDecimal={false} thousandSeparator=" " hideControls {...(field.min !== undefined && { min: field.min })} {...(field.max !== undefined && { max: field.max })} />;
    case 'boolean':
      return <Checkbox {...common} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />;
    case 'date':
      return <TextInput {...common} type="date" value={text} onChange={onText} />;
    case 'datetime':
      return <TextInput {...common} type="datetime-local" value={text} onChange={onText} />;
    case 'choice':
      return <Select {...common} data={field.options ?? []} value={text || null} onChange={(choice) => onChange(choice ?? '')} clearable={!field.required} allowDeselect={!field.required} />;
    case 'tags':
      return <TagsInput {...common} value={Array.isArray(value) ? value : []} onChange={onChange} splitChars={[';', ',']} />;
    case 'money':
      return <MoneyInput {...common} value={typeof value === 'object' && !Array.isArray(value) ? value : { amount: '', currency: '' }} onChange={onChange} />;
    case 'ref':
      return <RefSelect {...common} to={field.to} value={text || null} title={title} onChange={(id) => onChange(id ?? '')} />;
    case 'user':
      return <UserSelect {...common} value={text || null} title={title} onChange={(id) => onChange(id ?? '')} />;
  }
}

const currencies = ['EUR', 'USD', 'GBP', 'CHF', 'AUD', 'CAD', 'JPY', 'SEK', 'NOK', 'DKK', 'PLN', 'CZK', 'CNY', 'INR', 'SGD', 'NZD', 'BRL', 'ZAR'];

function MoneyInput({ label, required, error, value, onChange }: { label: string; required: boolean; error?: React.ReactNode; value: MoneyDraft; onChange: (value: MoneyDraft) => void }) {
  const { t } = useTranslation();
  const known = currencies.includes(value.currency) ? currencies : [value.currency, ...currencies];
  return (
    <Group gap="sm" align="flex-start" wrap="nowrap">
      <NumberInput label={label} required={required} error={error} value={value.amount} onChange={(amount) => onChange({ ...value, amount: String(amount) })} decimalScale={digits(value.currency)} thousandSeparator=" " hideControls flex={1} />
      <Select label={t('field.currency')} data={known} value={value.currency} onChange={(currency) => onChange({ ...value, currency: currency ?? value.currency })} allowDeselect={false} searchable w={104} />
    </Group>
  );
}
