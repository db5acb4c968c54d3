import type { Money } from '../../api/types';

const byDigits: [number, string[]][] = [
  [0, ['BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF']],
  [3, ['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND']],
  [4, ['CLF', 'UYW']],
];

/** Digits behind the point (ISO 4217, table A.1), as the server counts them. Browsers have their own idea for some currencies. */
export function digits(currency: string): number {
  return byDigits.find(([, currencies]) => currencies.includes(currency))?.[0] ?? 2;
}

export function formatMoney(money: Money, language: string): string {
  const places = digits(money.currency);
  const amount = money.minor / 10 ** places;
  try {
    return new Intl.NumberFormat(language, { style: 'currency', currency: money.currency, minimumFractionDigits: places, maximumFractionDigits: places }).format(amount);
  } catch {
    return `${amount.toFixed(2)} ${money.currency}`;
  }
}

export const toMajor = (minor: number, currency: string) => minor / 10 ** digits(currency);

/** Rounded, because 19.99 × 100 is 1998.9999999999998 in floating point. */
export const toMinor = (major: number, currency: string) => Math.round(major * 10 ** digits(currency));
