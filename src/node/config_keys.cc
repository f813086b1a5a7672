#include "node/config_keys.h"

#include <array>

namespace parley::node {
namespace {

using C = Config;
using V = KeyValue;

ServiceConfig& service(C& c, const V& v) {
  ServiceConfig& s = c.services[v.star];
  s.name = v.star;
  return s;
}

TunnelConfig& tunnel(C& c, const V& v) { return c.tunnels[v.star]; }

// In the order of the documentation.
constexpr Key keys[] = {
    {"contracts", KeyType::texts, "contracts",
     "Folders of `.proto` files and descriptor set files, one or a list, loaded again when they change; or "
     "`reflection`: the gRPC services are asked.",
     [](C& c, const V& v) { c.contracts = v.texts; }},
    {"listen", KeyType::text, "127.0.0.1:8080",
     "The address for callers: REST, gRPC, gRPC-Web, Connect, GraphQL and WebSocket, HTTP/1.1 and HTTP/2, on one port. "
     "Port 0 picks one.",
     [](C& c, const V& v) { c.listen = v.text; }},
    {"admin", KeyType::text, "127.0.0.1:9090",
     "The address for operators: `/metrics`, `/healthz`, `/readyz`. `off` for none.",
     [](C& c, const V& v) { c.admin = v.text; }},
    {"shards", KeyType::integer, "0", "Threads that serve; 0 is one a core.",
     [](C& c, const V& v) { c.shards = static_cast<int>(v.number); }},

    {"services", KeyType::section, "", "The services behind Parley, by a name of your choice.", nullptr},
    {"services.*", KeyType::section, "", "One service.", [](C& c, const V& v) { service(c, v); }},
    {"services.*.at", KeyType::text, "",
     "Where it listens: `grpc://`, `grpcs://`, `http://` or `https://` and `host:port`, several addresses parted by "
     "commas. "
     "`http` services are called with JSON by their `google.api.http` rules.",
     [](C& c, const V& v) {
       service(c, v).at = v.text;
       service(c, v).line = v.line;
     }},
    {"services.*.serves", KeyType::texts, "",
     "The contract's services it answers, such as `shop.Orders`. Left out: asked by gRPC reflection.",
     [](C& c, const V& v) { service(c, v).serves = v.texts; }},
    {"services.*.run", KeyType::text, "",
     "A shell command that Parley starts, watches, starts again with back-off when it ends, and stops; its output is "
     "prefixed with the name.",
     [](C& c, const V& v) { service(c, v).run = v.text; }},
    {"services.*.ca", KeyType::text, "",
     "PEM file of the authorities its certificate may come from; left out: the system's.",
     [](C& c, const V& v) { service(c, v).ca = v.text; }},
    {"services.*.cert", KeyType::text, "", "PEM file of the certificate shown to it.",
     [](C& c, const V& v) { service(c, v).cert = v.text; }},
    {"services.*.key", KeyType::text, "", "PEM file of that certificate's key.",
     [](C& c, const V& v) { service(c, v).key = v.text; }},

    {"messages", KeyType::text, "embedded",
     "Where queues and topics are kept: `embedded` is this node's own store, below `data`; others are "
     "`parley://` and `parleys://` (another node), `rabbitmq://`, `rabbitmqs://`, `kafka://`, `kafkas://` and `sqs://` "
     "with their "
     "address. A node whose contract "
     "has "
     "no queues, topics or events opens none, unless this is given.",
     [](C& c, const V& v) { c.messages = v.text; }},
    {"queues", KeyType::section, "", "Queues that are kept elsewhere than `messages` says, by their names.", nullptr},
    {"queues.*", KeyType::section, "", "One queue, such as `shop.Mailer/SendMail`.", nullptr},
    {"queues.*.messages", KeyType::text, "", "Where it is kept, as `messages` says it.",
     [](C& c, const V& v) { c.queues[v.star] = {.messages = v.text, .line = v.line}; }},
    {"topics", KeyType::section, "", "Topics that are kept elsewhere than `messages` says, by their names.", nullptr},
    {"topics.*", KeyType::section, "", "One topic.", nullptr},
    {"topics.*.messages", KeyType::text, "", "Where it is kept, as `messages` says it.",
     [](C& c, const V& v) { c.topics[v.star] = {.messages = v.text, .line = v.line}; }},
    {"data", KeyType::text, ".parley",
     "The folder of what this node keeps; one node has it at a time. Made if it is not there.",
     [](C& c, const V& v) { c.data = v.text; }},
    {"store", KeyType::section, "", "How `embedded` keeps messages below `data` (docs/formats/store.md).", nullptr},
    {"store.segment_bytes", KeyType::bytes, "64MiB",
     "The size of a file of its journal, 1MiB to 1GiB. Space is taken and given back in such files: smaller ones are "
     "for a small disk. Files that are there keep theirs until they go.",
     [](C& c, const V& v) { c.store.segment_bytes = v.number; }},
    {"pull_api", KeyType::text, "local",
     "Who may publish, take, read and throw away messages through `parley.Queues`, `parley.Topics` and `/topics/NAME`: "
     "`local` is callers on this machine that came through no proxy, `on` is everybody who reaches `listen`, `off` is "
     "nobody.",
     [](C& c, const V& v) { c.pull_api = v.text; }},

    {"tls", KeyType::section, "", "TLS 1.2 and 1.3 on `listen`; certificates are loaded again when their files change.",
     nullptr},
    {"tls.cert", KeyType::text, "", "PEM file of the certificate chain.",
     [](C& c, const V& v) { c.tls.cert = v.text; }},
    {"tls.key", KeyType::text, "", "PEM file of its key.", [](C& c, const V& v) { c.tls.key = v.text; }},
    {"tls.client_ca", KeyType::text, "", "PEM file of authorities; callers are asked for a certificate of theirs.",
     [](C& c, const V& v) { c.tls.client_ca = v.text; }},
    {"tls.require_client_cert", KeyType::boolean, "false", "Refuse callers without such a certificate.",
     [](C& c, const V& v) { c.tls.require_client_cert = v.flag; }},

    {"cors", KeyType::section, "", "Which web pages of other origins may call. Left out: none.", nullptr},
    {"cors.origins", KeyType::texts, "", "Allowed origins, such as `https://shop.example`; `*` for all.",
     [](C& c, const V& v) { c.cors.origins = v.texts; }},
    {"cors.headers", KeyType::texts, "",
     "Request headers to allow beyond those of the protocols; left out: what the page asks for.",
     [](C& c, const V& v) { c.cors.headers = v.texts; }},
    {"cors.credentials", KeyType::boolean, "false",
     "Allow cookies and HTTP authentication; not together with origin `*`.",
     [](C& c, const V& v) { c.cors.credentials = v.flag; }},
    {"cors.max_age", KeyType::duration, "2h", "How long a browser may remember the answer.",
     [](C& c, const V& v) { c.cors.max_age = v.duration; }},

    {"files", KeyType::section, "", "A web page's files, served beside the rpcs. Left out: none.", nullptr},
    {"files.folder", KeyType::text, "",
     "The folder they lie in; loaded again when it changes. A folder's page is its `index.html`.",
     [](C& c, const V& v) { c.files.folder = v.text; }},
    {"files.at", KeyType::text, "/", "The path below which they are served. A file stands before a route of its path.",
     [](C& c, const V& v) { c.files.at = v.text.ends_with('/') ? v.text : v.text + "/"; }},
    {"files.immutable", KeyType::text, "",
     "A folder in it whose files have names that change with their contents, such as a bundler's `assets`: callers may "
     "keep them for ever. All others are asked for by their entity tags.",
     [](C& c, const V& v) { c.files.immutable = v.text; }},
    {"files.fallback", KeyType::text, "",
     "A file in it, such as `index.html`, for pages that have routes of their own in the path: a browser that goes to "
     "an address below `files.at` that is no file's and no rpc's gets it. Left out: 404.",
     [](C& c, const V& v) { c.files.fallback = v.text; }},
    {"files.max_bytes", KeyType::bytes, "64MiB", "All files together: they are served from memory.",
     [](C& c, const V& v) { c.files.max_bytes = v.number; }},

    {"limits", KeyType::section, "", "Bounds; what goes beyond is refused with a clear status.", nullptr},
    {"limits.message_bytes", KeyType::bytes, "4MiB", "One message, after decompression.",
     [](C& c, const V& v) { c.limits.message_bytes = v.number; }},
    {"limits.header_bytes", KeyType::bytes, "64KiB", "All headers of a request.",
     [](C& c, const V& v) { c.limits.header_bytes = v.number; }},
    {"limits.concurrent_streams", KeyType::integer, "256", "Requests at once on one HTTP/2 connection.",
     [](C& c, const V& v) { c.limits.concurrent_streams = v.number; }},
    {"limits.connections", KeyType::integer, "10000", "Connections of callers, a shard.",
     [](C& c, const V& v) { c.limits.connections = v.number; }},
    {"limits.pending_calls", KeyType::integer, "10000", "Calls at once, a shard.",
     [](C& c, const V& v) { c.limits.pending_calls = v.number; }},
    {"limits.header_timeout", KeyType::duration, "10s",
     "From a request's first byte to the end of its head; a TLS handshake.",
     [](C& c, const V& v) { c.limits.header_timeout = v.duration; }},
    {"limits.idle_timeout", KeyType::duration, "120s", "A connection without a request.",
     [](C& c, const V& v) { c.limits.idle_timeout = v.duration; }},
    {"limits.body_timeout", KeyType::duration, "60s", "A body that makes no progress, in either direction.",
     [](C& c, const V& v) { c.limits.body_timeout = v.duration; }},

    {"timeouts", KeyType::section, "", "How long things may take.", nullptr},
    {"timeouts.connect", KeyType::duration, "5s", "Connecting to a service.",
     [](C& c, const V& v) { c.timeouts.connect = v.duration; }},
    {"timeouts.call", KeyType::duration, "0s", "The deadline of a unary call whose caller set none; 0 is none.",
     [](C& c, const V& v) { c.timeouts.call = v.duration; }},
    {"timeouts.drain", KeyType::duration, "30s", "How long calls in flight may go on after SIGTERM.",
     [](C& c, const V& v) { c.timeouts.drain = v.duration; }},

    {"websocket", KeyType::section, "", "WebSockets at `/ws/package.Service/Method`.", nullptr},
    {"websocket.ping", KeyType::duration, "20s",
     "Silence after which a client is sent a ping; after as much again it is taken for lost.",
     [](C& c, const V& v) { c.websocket.ping = v.duration; }},
    {"websocket.buffer", KeyType::bytes, "64KiB", "What may wait to be sent to one client.",
     [](C& c, const V& v) { c.websocket.buffer = v.number; }},
    {"websocket.slow", KeyType::text, "wait",
     "A client that lets its buffer run full: `wait` stops the service's stream, `drop_oldest` drops the messages that "
     "wait longest, `close` ends the call.",
     [](C& c, const V& v) { c.websocket.slow = v.text; }},
    {"websocket.compression", KeyType::text, "message",
     "permessage-deflate: `message` compresses each message by itself and keeps nothing a client, `context` compresses "
     "better and keeps up to 300 KiB a client, `off` leaves it out.",
     [](C& c, const V& v) { c.websocket.compression = v.text; }},

    {"tunnels", KeyType::section, "",
     "Plain WebSocket services behind Parley, by a name of your choice: their frames pass as they are.", nullptr},
    {"tunnels.*", KeyType::section, "", "One service.", [](C& c, const V& v) { tunnel(c, v); }},
    {"tunnels.*.path", KeyType::text, "", "Where callers find it, such as `/chat`; paths below it as well.",
     [](C& c, const V& v) { tunnel(c, v).path = v.text; }},
    {"tunnels.*.at", KeyType::text, "", "Where it listens: `http://` or `https://` and `host:port`.",
     [](C& c, const V& v) {
       tunnel(c, v).at = v.text;
       tunnel(c, v).line = v.line;
     }},
    {"tunnels.*.ca", KeyType::text, "",
     "PEM file of the authorities its certificate may come from; left out: the system's.",
     [](C& c, const V& v) { tunnel(c, v).ca = v.text; }},

    {"graphql", KeyType::section, "", "GraphQL over the whole contract (docs/graphql.md).", nullptr},
    {"graphql.path", KeyType::text, "/graphql", "Where it is asked; `off` for none.",
     [](C& c, const V& v) { c.graphql.path = v.text; }},
    {"graphql.introspection", KeyType::boolean, "true", "Whether operations may ask for the schema.",
     [](C& c, const V& v) { c.graphql.introspection = v.flag; }},
    {"graphql.page", KeyType::boolean, "true", "Answer a browser with a page to write and try operations in.",
     [](C& c, const V& v) { c.graphql.page = v.flag; }},
    {"graphql.depth", KeyType::integer, "20", "Fields inside one another in an operation.",
     [](C& c, const V& v) { c.graphql.depth = v.number; }},
    {"graphql.aliases", KeyType::integer, "100", "Aliases in an operation.",
     [](C& c, const V& v) { c.graphql.aliases = v.number; }},
    {"graphql.tokens", KeyType::integer, "15000", "Names, numbers, braces and the like in a document.",
     [](C& c, const V& v) { c.graphql.tokens = v.number; }},
    {"graphql.complexity", KeyType::integer, "100000",
     "Fields of an operation, those below a list counted once for each item: as many as the page size it asks for, or "
     "10.",
     [](C& c, const V& v) { c.graphql.complexity = v.number; }},
    {"graphql.response_bytes", KeyType::bytes, "16MiB", "One response.",
     [](C& c, const V& v) { c.graphql.response_bytes = v.number; }},
    {"graphql.upstream_calls", KeyType::integer, "200",
     "Calls to services for one operation, or for one event of a subscription.",
     [](C& c, const V& v) { c.graphql.upstream_calls = v.number; }},
    {"graphql.plan_cache", KeyType::bytes, "16MiB", "Documents and their plans that are kept, a shard.",
     [](C& c, const V& v) { c.graphql.plan_cache = v.number; }},
    {"graphql.apq", KeyType::boolean, "true",
     "Automatic persisted queries: a document that was sent with its SHA-256 is known by it afterwards.",
     [](C& c, const V& v) { c.graphql.apq = v.flag; }},
    {"graphql.apq_cache", KeyType::bytes, "4MiB", "Documents that are kept for that, a shard.",
     [](C& c, const V& v) { c.graphql.apq_cache = v.number; }},
    {"graphql.persisted", KeyType::text, "",
     "A folder of `.graphql` files, each a document that requests may name by the SHA-256 of its text.",
     [](C& c, const V& v) { c.graphql.persisted = v.text; }},
    {"graphql.persisted_only", KeyType::boolean, "false", "Refuse documents that are not among those.",
     [](C& c, const V& v) { c.graphql.persisted_only = v.flag; }},

    {"log", KeyType::section, "", "What is written down.", nullptr},
    {"log.level", KeyType::text, "info", "`debug`, `info`, `warn` or `error`; to standard error.",
     [](C& c, const V& v) { c.log.level = v.text; }},
    {"log.access", KeyType::text, "off", "One JSON line a call: `off`, `-` for standard output, or a file.",
     [](C& c, const V& v) { c.log.access = v.text; }},
};

}  // namespace

std::span<const Key> config_keys() { return keys; }

std::string_view name(KeyType type) {
  constexpr std::array<std::string_view, 7> names = {"text",          "whole number", "bytes",  "duration",
                                                     "true or false", "text or list", "section"};
  return names.at(static_cast<std::size_t>(type));
}

}  // namespace parley::node
