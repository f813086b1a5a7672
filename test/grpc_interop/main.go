// Command interop is grpc-go's side of the gRPC interop procedures (grpc/doc/interop-test-descriptions.md):
//
//	interop serve PORT              the test service on 127.0.0.1, with reflection
//	interop cases                   the names of the procedures that the client knows
//	interop run [flags] CASE…       runs them; the first that fails ends the process with its reason and exit code 1
//	interop descriptors FILE        the contract, as a FileDescriptorSet
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/interop"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/reflection"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

type client struct {
	conn *grpc.ClientConn
	test testpb.TestServiceClient
	args []grpc.CallOption
}

type procedure struct {
	name string
	run  func(context.Context, client)
}

// simple is a procedure that needs the test service only.
func simple(name string, do func(context.Context, testpb.TestServiceClient, ...grpc.CallOption)) procedure {
	return procedure{name, func(ctx context.Context, c client) { do(ctx, c.test, c.args...) }}
}

var procedures = []procedure{
	simple("empty_unary", interop.DoEmptyUnaryCall),
	simple("large_unary", interop.DoLargeUnaryCall),
	simple("client_streaming", interop.DoClientStreaming),
	simple("server_streaming", interop.DoServerStreaming),
	simple("ping_pong", interop.DoPingPong),
	simple("empty_stream", interop.DoEmptyStream),
	simple("timeout_on_sleeping_server", interop.DoTimeoutOnSleepingServer),
	simple("cancel_after_begin", interop.DoCancelAfterBegin),
	simple("cancel_after_first_response", interop.DoCancelAfterFirstResponse),
	simple("status_code_and_message", interop.DoStatusCodeAndMessage),
	simple("special_status_message", interop.DoSpecialStatusMessage),
	simple("custom_metadata", interop.DoCustomMetadata),
	{"unimplemented_method", func(ctx context.Context, c client) { interop.DoUnimplementedMethod(ctx, c.conn) }},
	{"unimplemented_service", func(ctx context.Context, c client) {
		interop.DoUnimplementedService(ctx, testpb.NewUnimplementedServiceClient(c.conn))
	}},
}

func serve(port string) {
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	testpb.RegisterTestServiceServer(server, interop.NewTestServer())
	reflection.Register(server)
	log.Fatal(server.Serve(listener))
}

func run(args []string) {
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	address := flags.String("address", "", "host:port")
	ca := flags.String("ca", "", "PEM file of the certificate to trust; without it no TLS")
	compress := flags.Bool("gzip", false, "send messages compressed")
	_ = flags.Parse(args)

	creds := insecure.NewCredentials()
	if *ca != "" {
		pem, err := os.ReadFile(*ca)
		if err != nil {
			log.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		creds = credentials.NewTLS(&tls.Config{RootCAs: roots})
	}
	conn, err := grpc.NewClient(*address, grpc.WithTransportCredentials(creds))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	c := client{conn: conn, test: testpb.NewTestServiceClient(conn)}
	if *compress {
		c.args = append(c.args, grpc.UseCompressor("gzip"))
	}
	for _, name := range flags.Args() {
		at := slices.IndexFunc(procedures, func(p procedure) bool { return p.name == name })
		if at < 0 {
			log.Fatalf("no procedure %q", name)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
		procedures[at].run(ctx, c)
		cancel()
	}
}

// descriptors writes the test service's file and all it imports, imports first.
func descriptors(path string) {
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	add(testpb.File_grpc_testing_test_proto)
	bytes, err := proto.Marshal(set)
	if err == nil {
		err = os.WriteFile(path, bytes, 0o644)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "serve":
		serve(os.Args[2])
	case len(os.Args) == 2 && os.Args[1] == "cases":
		for _, p := range procedures {
			fmt.Println(p.name)
		}
	case len(os.Args) > 2 && os.Args[1] == "run":
		run(os.Args[2:])
	case len(os.Args) == 3 && os.Args[1] == "descriptors":
		descriptors(os.Args[2])
	default:
		log.Fatal("usage: interop serve PORT | cases | run [flags] CASE… | descriptors FILE")
	}
}
