/**
 * The contract as types: a map from `package.Service/Method` to what goes in and what comes out. Nothing of it is left at run time.
 *
 *     interface Shop {
 *       "shop.Orders/GetOrder": Unary<{ name: string }, Order>;
 *       "shop.Orders/WatchOrder": ServerStream<{ name: string }, Order>;
 *       "shop.Support/Chat": BidiStream<Line, Line>;
 *     }
 *
 * Messages are ProtoJSON: lowerCamelCase names, 64-bit integers as strings, bytes as base64, timestamps as RFC 3339 text.
 */
export type Kind = "unary" | "server" | "client" | "bidi";

export interface Rpc<K extends Kind, Request, Response> {
  readonly kind: K;
  readonly request: Request;
  readonly response: Response;
}

export type Unary<Request, Response> = Rpc<"unary", Request, Response>;
export type ServerStream<Request, Response> = Rpc<"server", Request, Response>;
export type ClientStream<Request, Response> = Rpc<"client", Request, Response>;
export type BidiStream<Request, Response> = Rpc<"bidi", Request, Response>;

/** What a contract must look like; an interface and a type alias both do. */
export type Contract<C> = { readonly [M in keyof C]: Rpc<Kind, any, any> };

/** The contract of a caller that gives none: any method, any message. */
export type AnyContract = Readonly<Record<string, Rpc<any, any, any>>>;

/** The names of the rpcs of one kind. */
export type MethodOf<C, K extends Kind> = { [M in keyof C]: C[M] extends Rpc<K, any, any> ? M : never }[keyof C] & string;

export type RequestOf<C, M extends keyof C> = C[M] extends Rpc<Kind, infer Request, any> ? Request : never;
export type ResponseOf<C, M extends keyof C> = C[M] extends Rpc<Kind, any, infer Response> ? Response : never;
