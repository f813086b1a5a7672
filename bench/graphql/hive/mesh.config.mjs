// Composes the bench contract into what Hive Gateway serves: gRPC calls as fields, and the join of a post with its user by a batch of keys.
import { defineConfig } from "@graphql-mesh/compose-cli";
import { loadGrpcSubgraph } from "@omnigraph/grpc";

const { BACKEND, CONTRACT } = process.env; // a port, and the contract's file

export const composeConfig = defineConfig({
  subgraphs: [
    {
      sourceHandler: loadGrpcSubgraph("bench", {
        endpoint: `127.0.0.1:${BACKEND}`,
        source: { file: CONTRACT, load: { defaults: true, keepCase: false } },
        selectQueryOrMutationField: [{ fieldName: "*BatchGetUsers", type: "Query" }],
        metaData: { authorization: "{context.headers.authorization}" },
      }),
    },
  ],
  additionalTypeDefs: /* GraphQL */ `
    extend type bench__Post {
      user: bench__User
        @resolveTo(
          sourceName: "bench"
          sourceTypeName: "Query"
          sourceFieldName: "bench_Users_BatchGetUsers"
          keyField: "userId"
          keysArg: "input.ids"
          result: "users"
        )
    }
  `,
});
