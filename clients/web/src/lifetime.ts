import { ParleyError } from "./error.js";

/** How long a call may live. The earliest of what is given counts. */
export interface Limits {
  /** Milliseconds from now. The service is told what is left. */
  readonly timeout?: number | undefined;
  readonly deadline?: Date | undefined;
  /** Ends the call with `cancelled`; its reason is the error's `cause`. */
  readonly signal?: AbortSignal | undefined;
}

const longestTimer = 2 ** 31 - 1;

/** One call's life, over all its tries. `signal` aborts with the ParleyError that the call ends with. dispose() when it is over. */
export class Lifetime {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly timer: ReturnType<typeof setTimeout> | undefined;
  private readonly until: number;
  private readonly signals: AbortSignal[];

  constructor({ timeout = Infinity, deadline, signal }: Limits, whole?: AbortSignal) {
    this.signal = this.controller.signal;
    this.until = Math.min(Date.now() + timeout, deadline?.getTime() ?? Infinity);
    this.signals = [signal, whole].filter((each) => each !== undefined);
    for (const each of this.signals) each.addEventListener("abort", this.aborted);
    if (this.signals.some((each) => each.aborted)) this.aborted();
    else if (this.until < Infinity) {
      const late = () => this.end(new ParleyError("deadline_exceeded", "the call took longer than its deadline allows"));
      this.timer = setTimeout(late, Math.min(Math.max(this.until - Date.now(), 0), longestTimer));
    }
  }

  /** Milliseconds that are left; undefined without a deadline. */
  get remaining(): number | undefined {
    return this.until === Infinity ? undefined : Math.max(0, this.until - Date.now());
  }

  end(error: ParleyError): void {
    this.controller.abort(error);
    this.dispose();
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const each of this.signals) each.removeEventListener("abort", this.aborted);
  }

  private readonly aborted = (): void => {
    const cause: unknown = this.signals.find((each) => each.aborted)?.reason;
    this.end(cause instanceof ParleyError ? cause : new ParleyError("cancelled", "cancelled by the caller", { cause }));
  };
}
