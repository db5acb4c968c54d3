import type { TFunction } from 'i18next';

/** The server also refuses common words; here only what can be said at once. */
export function passwordFault(password: string, t: TFunction): string | null {
  if (password.length < 12) return t('password.short');
  return password.length > 128 ? t('password.long') : null;
}
