import type { Money } from "./contract.ts";

const euros = new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" });

/** Amounts are exact integers on the wire; only what is shown is a decimal number. */
export function money({ currency = "EUR", minorUnits = "0" }: Money): string {
  const amount = Number(minorUnits) / 100;
  return currency === "EUR" ? euros.format(amount) : `${amount.toFixed(2)} ${currency}`;
}

export const count = (value: number | string | undefined): string => Number(value ?? 0).toLocaleString("en");

/** "orders/12" is "12". */
export const idOf = (name: string): string => name.slice(name.lastIndexOf("/") + 1);
