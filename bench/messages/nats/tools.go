//go:build tools

// Package nats names the server that ./dev bench builds and runs: Debian 12's NATS is older than `sync_interval: always`.
package nats

import _ "github.com/nats-io/nats-server/v2"
