module parley.example/bench/gateway

go 1.24
