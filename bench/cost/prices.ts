import list from './prices.json' with { type: 'json' };

export type Price = keyof typeof list.prices;

/** US dollars for so many operations, or seconds. */
export function dollars(price: Price, amount: number): number {
  const { usd, units } = list.prices[price];
  return (usd * amount) / units;
}
