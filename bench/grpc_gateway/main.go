// A grpc-gateway for the shop's Orders, as its documentation sets one up: the peer of the REST rows of ./dev bench.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"parley.example/bench/gateway/shop"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address for callers")
	backend := flag.String("backend", "", "address of the gRPC service")
	flag.Parse()
	mux := runtime.NewServeMux()
	options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	if err := shop.RegisterOrdersHandlerFromEndpoint(context.Background(), mux, *backend, options); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(*listen, mux))
}
