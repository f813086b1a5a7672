/** What one side puts in and one other side takes out, in order, then an end. `taken` is told each item that was taken. */
export class Inbox<Item> {
  private items: Item[] = [];
  private waiting: { resolve: (result: IteratorResult<Item, undefined>) => void; reject: (error: unknown) => void }[] = [];
  private ended: { error?: unknown } | undefined;

  constructor(private readonly taken: (item: Item) => void = () => {}) {}

  get length(): number {
    return this.items.length;
  }

  put(item: Item): void {
    if (this.ended) return;
    const next = this.waiting.shift();
    if (!next) {
      this.items.push(item);
      return;
    }
    next.resolve({ done: false, value: item });
    this.taken(item);
  }

  /** No more items. Those that are there can still be taken; then the end, or `error`, is seen. Only the first end counts. */
  end(error?: unknown): void {
    if (this.ended) return;
    this.ended = error === undefined ? {} : { error };
    for (const { resolve, reject } of this.waiting.splice(0)) {
      if (error === undefined) resolve({ done: true, value: undefined });
      else reject(error);
    }
  }

  /** Forgets what was not taken. */
  clear(): void {
    this.items = [];
  }

  async next(): Promise<IteratorResult<Item, undefined>> {
    if (this.items.length > 0) {
      const value = this.items.shift() as Item;
      this.taken(value);
      return { done: false, value };
    }
    if (!this.ended) return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
    if ("error" in this.ended) throw this.ended.error;
    return { done: true, value: undefined };
  }
}
