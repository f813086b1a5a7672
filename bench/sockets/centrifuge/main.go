// A server with Centrifuge, the library that Centrifugo is made of: everybody may subscribe to the channel "lines", which gets -rate lines of
// -bytes a second (bench/load/lines.h says what a line is).
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"
)

func publish(node *centrifuge.Node, rate, size int) {
	began := time.Now()
	for sent := 0; ; time.Sleep(time.Millisecond) {
		for due := int(time.Since(began).Seconds() * float64(rate)); sent < due; sent++ {
			text := fmt.Sprintf("line %d", time.Now().UnixNano())
			text += strings.Repeat(".", max(0, size-len(text)))
			if _, err := node.Publish("lines", []byte(`{"text":"`+text+`"}`)); err != nil {
				log.Fatal(err)
			}
		}
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	rate := flag.Int("rate", 100, "lines a second")
	size := flag.Int("bytes", 100, "bytes a line")
	flag.Parse()
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{Credentials: &centrifuge.Credentials{}}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, answer centrifuge.SubscribeCallback) {
			answer(centrifuge.SubscribeReply{}, nil)
		})
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}
	go publish(node, *rate, *size)
	http.Handle("/connection/websocket", centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{}))
	log.Fatal(http.ListenAndServe(*listen, nil))
}
