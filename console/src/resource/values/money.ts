import type { Money } from '../../api/types';

/** How many digits a currency has behind the point: two for EUR, none for JPY. */
export function digits(currency: string): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

export function formatMoney(money: Money, language: string): string {
  const amount = money.minor / 10 ** digits(money.currency);
  try {
    return new Intl.NumberFormat(language, { style: 'currency', currency: money.currency }).format(amount);
  } catch {
    return `${amount.toFixed(2)} ${money.currency}`;
  }
}

export const toMajor = (minor: number, currency: string) => minor / 10 ** digits(currency);

/** Rounded, because 19.99 × 100 is 1998.9999999999998 in floating point. */
export const toMinor = (major: number, currency: string) => Math.round(major * 10 ** digits(currency));
