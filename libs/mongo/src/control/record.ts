/** How the control database keeps a value that has an id: as it is, the id as `_id`. Times are ISO 8601 UTC texts, which sort in time order. */
export type Stored<T extends { readonly id: string }> = Omit<T, 'id'> & { readonly _id: string };

export function toStored<T extends { readonly id: string }>(value: T): Stored<T> {
  const { id, ...rest } = value;
  return { _id: id, ...rest };
}

export function fromStored<T extends { readonly id: string }>(stored: Stored<T>): T {
  const { _id, ...rest } = stored;
  return { id: _id, ...rest } as unknown as T;
}
