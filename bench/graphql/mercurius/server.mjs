// server.mjs PORT BACKEND CONTRACT  serves the contract with Mercurius: JIT on, validation on, one BatchGetUsers for the users of a request,
// authorization passed on.
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import Fastify from "fastify";
import mercurius from "mercurius";

const [port, backend, contract] = process.argv.slice(2);
const { bench } = grpc.loadPackageDefinition(protoLoader.loadSync(contract, { defaults: true }));
const address = `127.0.0.1:${backend}`;
const posts = new bench.Posts(address, grpc.credentials.createInsecure());
const users = new bench.Users(address, grpc.credentials.createInsecure());

const schema = `
  type Query { listPosts(seed: Int!): ListPostsResponse! }
  type ListPostsResponse { posts: [Post!]! }
  type Post { id: Int! userId: Int! title: String! body: String! user: User }
  type User { id: Int! name: String! username: String! email: String! phone: String! website: String! }
`;

function call(client, method, request, context) {
  return new Promise((resolve, reject) => {
    client[method](request, context.metadata, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

const resolvers = {
  Query: { listPosts: (_, { seed }, context) => call(posts, "listPosts", { seed }, context) },
};

const loaders = {
  Post: {
    async user(queries, context) {
      const ids = [...new Set(queries.map(({ obj }) => obj.userId))];
      const found = new Map((await call(users, "batchGetUsers", { ids }, context)).users.map((user) => [user.id, user]));
      return queries.map(({ obj }) => found.get(obj.userId) ?? null);
    },
  },
};

const app = Fastify();
app.register(mercurius, {
  schema,
  resolvers,
  loaders,
  jit: 1,
  context: ({ headers }) => {
    const metadata = new grpc.Metadata();
    if (headers.authorization) metadata.set("authorization", headers.authorization);
    return { metadata };
  },
});
await app.listen({ host: "127.0.0.1", port: Number(port) });
