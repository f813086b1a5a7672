/** How a connection that has silently died is noticed. Times are milliseconds. */
export interface LivenessOptions {
  /** Silence after which the server is asked whether it is there. Default 20,000. */
  readonly every?: number;
  /** How long it has to answer anything. Default 10,000. */
  readonly timeout?: number;
}

/**
 * Asks when nothing was heard for a while, and calls `lost` when nothing is heard then either. A page cannot see WebSocket's own pings, and a network that is gone
 * says nothing by itself.
 */
export class Heartbeat {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private heardAt = Date.now();

  constructor(
    private readonly options: LivenessOptions,
    private readonly ping: () => void,
    private readonly lost: () => void,
  ) {}

  start(): void {
    this.heardAt = Date.now();
    this.wait();
  }

  heard(): void {
    this.heardAt = Date.now();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private wait(): void {
    clearTimeout(this.timer);
    const { every = 20_000 } = this.options;
    const silent = Date.now() - this.heardAt;
    this.timer = setTimeout(() => (Date.now() - this.heardAt >= every ? this.ask() : this.wait()), Math.max(every - silent, 1));
  }

  private ask(): void {
    const { timeout = 10_000 } = this.options;
    const askedAt = Date.now();
    this.ping();
    this.timer = setTimeout(() => {
      if (this.heardAt >= askedAt) this.wait();
      // A timer that fires far too late means that the machine or the page slept, not the server: it gets another chance.
      else if (Date.now() - askedAt > 2 * timeout + 1000) this.ask();
      else this.lost();
    }, timeout);
  }
}
