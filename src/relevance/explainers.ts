// Explainers by model and method, opened once: an explorer, or a server, asks for the same ones again and again.
import type { Graph } from '../graph/types.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { Explainer, type ExplainerOptions } from './explainer.ts';

/** Opens each explainer once for a model and its options, and keeps the last few. */
export class Explainers {
  private readonly runtime: Runtime;
  private readonly most: number;
  private readonly models = new WeakMap<Graph, number>();
  private count = 0;
  /** In the order of their last use. */
  private readonly open = new Map<string, Promise<Explainer>>();

  /** @param most how many sessions are kept open; the one that was not asked for longest goes first */
  constructor(runtime: Runtime, most = 4) {
    this.runtime = runtime;
    this.most = most;
  }

  /**
   * The explainer of a model by a method; the same one for the same graph and options. It is released by this object.
   * @throws ModelError, GraphError, MethodError as {@link Explainer.open}
   */
  async get(model: Graph, options: ExplainerOptions): Promise<Explainer> {
    const key = `${this.numberOf(model)} ${JSON.stringify(options)}`;
    const explainer = this.open.get(key) ?? Explainer.open(this.runtime, model, options);
    this.open.delete(key);
    this.open.set(key, explainer);
    // One that could not be opened is tried again.
    explainer.catch(() => this.open.delete(key));
    const [oldest] = this.open.keys();
    if (this.open.size > this.most) await this.close(oldest);
    return explainer;
  }

  /** Frees all sessions. */
  async release(): Promise<void> {
    for (const key of [...this.open.keys()]) await this.close(key);
  }

  private async close(key: string): Promise<void> {
    const explainer = this.open.get(key);
    this.open.delete(key);
    await (await explainer)?.release();
  }

  private numberOf(model: Graph): number {
    const number = this.models.get(model) ?? this.count++;
    this.models.set(model, number);
    return number;
  }
}
