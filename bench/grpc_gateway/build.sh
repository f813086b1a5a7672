#!/usr/bin/env bash
# build.sh OUTPUT  builds the grpc-gateway peer; the generated code goes beside OUTPUT, never into the checkout.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
output=$(realpath -m "$1")
work=$output.src
mkdir -p "$work/bin" "$work/shop"
cp "$here/main.go" "$here/go.mod" "$work/"
[ ! -f "$here/go.sum" ] || cp "$here/go.sum" "$work/"
cd "$work"
for tool in google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc \
  github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway; do
  [ -x "bin/${tool##*/}" ] || GOFLAGS=-mod=mod go build -o bin/ "$tool"
done
module=parley.example/bench/gateway
api=google.golang.org/genproto/googleapis
options=paths=import,module=$module
for file in "$root"/examples/shop/contracts/shop/*.proto; do options+=",Mshop/${file##*/}=$module/shop"; done
for file in annotations http field_behavior; do options+=",Mgoogle/api/$file.proto=$api/api/annotations"; done
options+=",Mgoogle/api/httpbody.proto=$api/api/httpbody,Mgoogle/rpc/code.proto=$api/rpc/code"
for file in options receipt; do options+=",Mparley/$file.proto=$module/parley"; done
# grpc-gateway refuses a path variable on a client stream: the contract without that one rpc.
rm -rf contracts && cp -r "$root/examples/shop/contracts" contracts
sed -i '/rpc UploadAttachment(/,/^  }/d' contracts/shop/orders.proto
PATH=$work/bin:$PATH protoc -I contracts -I "$root/contracts" --go_out=. --go_opt="$options" --go-grpc_out=. \
  --go-grpc_opt="$options" --grpc-gateway_out=. --grpc-gateway_opt="$options" contracts/shop/*.proto parley/options.proto parley/receipt.proto
GOFLAGS=-mod=mod go build -o "$output" .
