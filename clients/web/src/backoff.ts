/** When to try again after a connection was lost or refused. Times are milliseconds. */
export interface BackoffOptions {
  /** Before the second try. Default 250. */
  readonly first?: number;
  /** The longest wait. Default 15,000. */
  readonly max?: number;
  /** What each wait is longer than the one before. Default 2. */
  readonly factor?: number;
  /** How much of a wait is left to chance, 0 to 1, so that a thousand pages do not come back at the same moment. Default 0.5. */
  readonly jitter?: number;
  /** Tries in a row that may fail; then the last error is the call's. Default: no end. */
  readonly attempts?: number;
}

export class Backoff {
  private failures = 0;

  constructor(
    private readonly options: BackoffOptions = {},
    private readonly random: () => number = Math.random,
  ) {}

  /** The next wait; undefined when the tries are used up. `atLeast` is what a server asked for. */
  next(atLeast = 0): number | undefined {
    const { first = 250, max = 15_000, factor = 2, jitter = 0.5, attempts = Infinity } = this.options;
    this.failures += 1;
    if (this.failures >= attempts) return undefined;
    const whole = Math.min(max, first * factor ** (this.failures - 1));
    return Math.max(atLeast, whole * (1 - jitter * this.random()));
  }

  /** A try went well: the next wait is the first again. */
  reset(): void {
    this.failures = 0;
  }
}

/**
 * Waits `ms`, or until `signal` aborts (rejects with its reason), or until the browser says that the network is back: then waiting any longer
 * helps nobody.
 */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const events = globalThis as Partial<Pick<typeof globalThis, "addEventListener" | "removeEventListener">>;
    const done = (finish: () => void) => () => {
      clearTimeout(timer);
      events.removeEventListener?.("online", online);
      signal.removeEventListener("abort", aborted);
      finish();
    };
    const online = done(resolve);
    const aborted = done(() => reject(signal.reason));
    const timer = setTimeout(online, ms);
    if (signal.aborted) return aborted();
    events.addEventListener?.("online", online);
    signal.addEventListener("abort", aborted);
  });
}
