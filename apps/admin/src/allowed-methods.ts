/** The methods of every address, filled as the server takes its routes in, to tell 404 from 405. */
export class AllowedMethods {
  readonly #routes: { readonly pattern: RegExp; readonly methods: Set<string> }[] = [];

  /** @param url a route as Fastify has it, `:name` for a parameter. */
  add(url: string, method: string | readonly string[]): void {
    const source = `^${url.replaceAll(/:[A-Za-z]+/g, '[^/]+')}/?$`;
    const known = this.#routes.find((route) => route.pattern.source === new RegExp(source).source);
    const methods = typeof method === 'string' ? [method] : method;
    if (known === undefined) this.#routes.push({ pattern: new RegExp(source), methods: new Set(methods) });
    else for (const one of methods) known.methods.add(one);
  }

  /** Null: nothing stands there. */
  at(path: string): readonly string[] | null {
    const found = this.#routes.filter((route) => route.pattern.test(path));
    if (found.length === 0) return null;
    return [...new Set(found.flatMap((route) => [...route.methods]))].sort();
  }
}
