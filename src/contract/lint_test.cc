#include "contract/lint.h"

#include <gtest/gtest.h>

#include "contract/contract_fixture.h"
#include "contract/lint_keys.h"

namespace parley::contract {
namespace {

struct Case {
  const char* name;
  const char* text;  // line 2, after the preamble of load_text
  const char* want;  // all diagnostics, without the file's name
};

void check(std::initializer_list<Case> cases) {
  for (const Case& c : cases) {
    std::string got;
    for (const Diagnostic& d : load_text("\n" + std::string(c.text)).diagnostics) {
      got += (got.empty() ? "" : "\n") + d.text().substr(d.file.size() + 1);
    }
    EXPECT_EQ(got, c.want) << c.name;
  }
}

TEST(Lint, HttpBindings) {
  check({
      {"all is well",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {put: \"/v1/{b.id}/{t}\" body: \"b\" "
       "response_body: \"b\"}; } }"
       "message A { B b = 1; google.protobuf.Timestamp t = 2; } message B { string id = 1; }",
       ""},
      {"one path twice",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/v1/{id}\"}; }\n"
       "rpc Q(A) returns (A) { option (google.api.http) = {get: \"/v1/{name}\"}; } }\nmessage A { string id = 1; "
       "string name = 2; }",
       "3:24: error: `GET /v1/{name}` is bound also by shop.S/R (hint: give one of them another path or verb; "
       "variables' names make no "
       "difference)"},
      {"one path twice in one rpc",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a\" additional_bindings {get: \"/a\"}}; "
       "} } message A {}",
       "2:36: error: `GET /a` is bound twice by this rpc (hint: give one of them another path or verb; variables' "
       "names make no "
       "difference)"},
      {"another verb is another binding",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a\" additional_bindings {post: "
       "\"/a\"}}; } } message A {}",
       ""},
      {"a variable that names no field",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/{nmae}\"}; } } message A { string name "
       "= 1; }",
       "2:36: error: path \"/{nmae}\": `{nmae}` names no field of shop.A (hint: did you mean `name`?)"},
      {"a variable in JSON's spelling",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/{orderId}\"}; } } message A { string "
       "order_id = 1; }",
       "2:36: error: path \"/{orderId}\": `{orderId}` names no field of shop.A (hint: did you mean `order_id`?)"},
      {"a variable in a message",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/{b.ix}\"}; } } message A { B b = 1; } "
       "message B { string id = 1; }",
       "2:36: error: path \"/{b.ix}\": `{b.ix}` names no field of shop.A (hint: did you mean `id`?)"},
      {"a repeated variable",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/{x}\"}; } } message A { repeated string "
       "x = 1; }",
       "2:36: error: path \"/{x}\": `{x}` is a repeated field (hint: a path holds one value; lists go into the query "
       "or the body)"},
      {"a message as a variable",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/{b}\"}; } } message A { B b = 1; } "
       "message B {}",
       "2:36: error: path \"/{b}\": `{b}` is a message, shop.B (hint: name one of its fields: `{b.…}`)"},
      {"a body that is not there",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {post: \"/a\" body: \"odrer\"}; } } message A { "
       "string order = 1; }",
       "2:36: error: `body: \"odrer\"` names no field of shop.A (hint: did you mean `order`?)"},
      {"a response body that is not there",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {post: \"/a\" response_body: \"x\"}; } } message "
       "A { string long = 1; }",
       "2:36: error: `response_body: \"x\"` names no field of shop.A (hint: it has long)"},
      {"a response body of all",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {post: \"/a\" response_body: \"*\"}; } } message "
       "A {}",
       "2:36: error: `response_body: \"*\"` is no field (hint: leave it out: the whole reply is what is sent without "
       "it)"},
      {"GET with a body",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a\" body: \"*\"}; } } message A {}",
       "2:36: error: GET \"/a\" has a body (hint: leave `body` out, or use another verb)"},
      {"GET of a client stream",
       "service S { rpc R(stream A) returns (A) { option (google.api.http) = {get: \"/a\"}; } } message A {}",
       "2:43: error: GET \"/a\" cannot carry the stream that the rpc takes (hint: use `post` and `body: \"*\"`)"},
      {"a client stream without a body",
       "service S { rpc R(stream A) returns (A) { option (google.api.http) = {post: \"/a\"}; } } message A {}",
       "2:43: error: the rpc takes a stream, and \"/a\" has no body to carry it (hint: write `body: \"*\"`)"},
      {"no verb", "service S { rpc R(A) returns (A) { option (google.api.http) = {body: \"*\"}; } } message A {}",
       "2:36: error: the binding has no verb (hint: write `get: \"/v1/…\"`, or put, post, patch, delete)"},
      {"a custom verb that is none",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {custom: {kind: \"A B\" path: \"/a\"}}; } } "
       "message A {}",
       "2:36: error: `A B` is no HTTP verb (hint: `custom: {kind: \"REPORT\" path: \"/v1/…\"}`; the kind `*` stands "
       "for all)"},
      {"a path that cannot be read",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a:b/c\"}; } } message A {}",
       "2:36: error: path \"/a:b/c\", column 5: a verb in the middle of a path (hint: a `:verb` stands at the end "
       "only; percent-encode the "
       "colon as %3A)"},
      {"bindings of bindings",
       "service S { rpc R(A) returns (A) { option (google.api.http) = {get: \"/a\" additional_bindings {get: \"/b\" "
       "additional_bindings {get: "
       "\"/c\"}}}; } } message A {}",
       "2:36: error: an additional binding has bindings of its own (hint: put them all beside one another)"},
      {"set field by field",
       "service S { rpc R(A) returns (A) {\noption (google.api.http).get = \"/{x}\"; } } message A {}",
       "2:13: error: path \"/{x}\": `{x}` names no field of shop.A (hint: the message has no fields)"},
  });
}

TEST(Lint, Queues) {
  check({
      {"all is well",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {key: \"b.id\" dedup: {field: \"r\" "
       "window: \"24h\"} retry: "
       "{attempts: 8 first: \"1s\" max: \"10m\" fatal: [INVALID_ARGUMENT]} lease: \"30s\" in_flight: 64 ttl: \"72h\"}; "
       "} }"
       "message A { B b = 1; string r = 2; } message B { string id = 1; }",
       ""},
      {"a reply that nobody can give yet",
       "service S { rpc R(A) returns (A) { option (parley.queue) = {}; } } message A {}",
       "2:36: error: (parley.queue): the rpc returns shop.A, but it is answered before it is carried out (hint: return "
       "parley.Receipt "
       "(`import \"parley/receipt.proto\";`) or google.protobuf.Empty)"},
      {"a key that is not there",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {key: \"custmer\"}; } } message A { "
       "string customer = 1; }",
       "2:49: error: (parley.queue): `key: \"custmer\"` names no field of shop.A (hint: did you mean `customer`?)"},
      {"a key that is repeated",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {key: \"x\"}; } } message A { repeated "
       "string x = 1; string yy = 2; }",
       "2:49: error: (parley.queue): `key: \"x\"` is repeated, and it must be one scalar (hint: scalar fields are yy)"},
      {"a key that is a message",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {dedup: {field: \"x\"}}; } } message A "
       "{ A x = 1; }",
       "2:49: error: (parley.queue): `dedup.field: \"x\"` is a message, and it must be one scalar (hint: shop.A has no "
       "scalar field)"},
      {"a stream",
       "service S { rpc R(stream A) returns (parley.Receipt) { option (parley.queue) = {}; } } message A {}",
       "2:56: error: (parley.queue): the rpc takes a stream (hint: a queue holds single calls; remove `stream`)"},
      {"a time that is none",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {lease: \"30\"}; } } message A {}",
       "2:49: error: (parley.queue): `lease: \"30\"` is no span of time (hint: a number and ms, s, m, h or d, such as "
       "`30s`)"},
      {"times the wrong way round",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {retry: {first: \"1h\" max: \"1m\"}}; "
       "} } message A {}",
       "2:49: error: (parley.queue): `retry.first` is longer than `retry.max` (hint: first is where the time between "
       "attempts begins)"},
      {"less than none",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {in_flight: -1}; } } message A {}",
       "2:49: error: (parley.queue): `in_flight: -1` is less than none (hint: leave it out for the default)"},
      {"a read",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {}; option idempotency_level = "
       "NO_SIDE_EFFECTS; } } message A {}",
       "2:49: error: (parley.queue): the rpc has no side effects, so there is nothing to carry out later (hint: remove "
       "`idempotency_level`, or "
       "the queue)"},
      {"a lease that nobody can keep",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {lease: \"10ms\"}; } } message A {}",
       "2:49: error: (parley.queue): `lease: \"10ms\"` is too short (hint: at least `1s`)"},
      {"a time-out that is none",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {timeout: \"soon\"}; } } message A {}",
       "2:49: error: (parley.queue): `timeout: \"soon\"` is no span of time (hint: a number and ms, s, m, h or d, such "
       "as `30s`)"},
      {"a first back-off above the default maximum",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {retry: {first: \"1h\"}}; } } message "
       "A "
       "{}",
       "2:49: error: (parley.queue): `retry.first` is longer than `retry.max` (hint: first is where the time between "
       "attempts begins)"},
      {"followers that wait",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {key: \"k\" retry: {followers: WAIT}}; "
       "} "
       "} message A { string k = 1; }",
       ""},
      {"followers without a key",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {retry: {followers: WAIT}}; } } "
       "message A "
       "{}",
       "2:49: error: (parley.queue): `retry.followers: WAIT` needs a key (hint: followers are what has the same "
       "`key`)"},
      {"a success that is fatal",
       "service S { rpc R(A) returns (parley.Receipt) { option (parley.queue) = {retry: {fatal: [OK]}}; } } message A "
       "{}",
       "2:49: error: (parley.queue): `retry.fatal: OK` is no failure (hint: name codes that a handler fails with)"},
  });
}

TEST(Lint, EventsAndSubscriptions) {
  check({
      {"all is well",
       "message E { option (parley.event) = {topic: \"t\" key: \"k\"}; string k = 1; string mail = 2 "
       "[(parley.personal) = {subject: \"k\"}]; }"
       "service S { rpc R(E) returns (google.protobuf.Empty) { option (parley.subscribe) = {group: \"g\" start: "
       "EARLIEST}; } }",
       ""},
      {"a topic that is none", "message E { option (parley.event) = {topic: \"a b\"}; }",
       "2:13: error: (parley.event): `topic: \"a b\"` is no name of a topic (hint: letters, digits, dots, dashes and "
       "underscores, at most 128)"},
      {"a key that is not there", "message E { option (parley.event) = {topic: \"t\" key: \"k\"}; string kk = 1; }",
       "2:13: error: (parley.event): `key: \"k\"` names no field of shop.E (hint: did you mean `kk`?)"},
      {"one type twice in a topic",
       "message O { message E { option (parley.event) = {topic: \"t\"}; } }\nmessage P { message E { option "
       "(parley.event) = {topic: \"t\"}; } }",
       "3:25: error: (parley.event): event type `E` is in topic `t` already: shop.O.E (hint: rename one of the "
       "messages, or use another topic)"},
      {"a personal key",
       "message E { option (parley.event) = {topic: \"t\" key: \"k\"}; string k = 1 [(parley.personal) = {subject: "
       "\"id\"}]; string id = 2; }",
       "2:13: error: (parley.event): `key: \"k\"` is personal, and a key is stored as it is (hint: use an id that says "
       "nothing about the person)"},
      {"a subject that is not there",
       "message E { string mail = 1 [(parley.personal) = {subject: \"custmer\"}]; string customer = 2; }",
       "2:30: error: (parley.personal): `subject: \"custmer\"` names no field of shop.E (hint: did you mean "
       "`customer`?)"},
      {"its own subject", "message E { string mail = 1 [(parley.personal) = {subject: \"mail\"}]; }",
       "2:30: error: (parley.personal): the field is its own subject (hint: name the field that says who the person "
       "is)"},
      {"a subscription to something that is no event",
       "message E {} service S { rpc R(E) returns (google.protobuf.Empty) { option (parley.subscribe) = {}; } }",
       "2:69: error: (parley.subscribe): shop.E is no event (hint: give the message an `option (parley.event) = "
       "{topic: \"…\"};`)"},
      {"a subscription with a reply",
       "message E { option (parley.event) = {topic: \"t\"}; } service S { rpc R(E) returns (E) { option "
       "(parley.subscribe) = {}; } }",
       "2:88: error: (parley.subscribe): the rpc returns shop.E, and nobody would read it (hint: return "
       "google.protobuf.Empty)"},
      {"a time to keep that is none", "message E { option (parley.event) = {topic: \"t\" keep: \"long\"}; }",
       "2:13: error: (parley.event): `keep: \"long\"` is no span of time (hint: a number and ms, s, m, h or d, such as "
       "`30s`)"},
      {"a group that is none",
       "message E { option (parley.event) = {topic: \"t\"}; } service S { rpc R(E) returns (google.protobuf.Empty) { "
       "option (parley.subscribe) = {group: \"a/b\"}; } }",
       "2:108: error: (parley.subscribe): `group: \"a/b\"` is no name of a group (hint: letters, digits, dots, dashes "
       "and "
       "underscores, at most 128)"},
      {"one type twice in a group",
       "message E { option (parley.event) = {topic: \"t\"}; } service S { rpc P(E) returns (google.protobuf.Empty) { "
       "option (parley.subscribe) = {}; }\n"
       "rpc R(E) returns (google.protobuf.Empty) { option (parley.subscribe) = {}; } }",
       "3:44: error: (parley.subscribe): shop.S/P takes these events in group `shop.S` of topic `t` already (hint: "
       "give "
       "one of them a `group`)"},
      {"two types of a group in two ways",
       "message E { option (parley.event) = {topic: \"t\"}; } message F { option (parley.event) = {topic: \"t\"}; } "
       "service S { rpc P(E) returns (google.protobuf.Empty) { option (parley.subscribe) = {}; }\n"
       "rpc R(F) returns (google.protobuf.Empty) { option (parley.subscribe) = {in_flight: 1}; } }",
       "3:44: error: (parley.subscribe): shop.S/P is of group `shop.S` of topic `t` too, with another `start`, "
       "`in_flight`, `lease` or `retry.followers` (hint: say the same in both, or give one of them a `group`)"},
      {"followers of events without a key",
       "message E { option (parley.event) = {topic: \"t\"}; } "
       "service S { rpc R(E) returns (google.protobuf.Empty) { option (parley.subscribe) = {retry: {followers: WAIT}}; "
       "} }",
       "2:108: error: (parley.subscribe): `retry.followers: WAIT` needs a key (hint: followers are what has the same "
       "`key`)"},
      {"two types of a group, each with its own retries",
       "message E { option (parley.event) = {topic: \"t\"}; } message F { option (parley.event) = {topic: \"t\"}; } "
       "service S { rpc P(E) returns (google.protobuf.Empty) { option (parley.subscribe) = {}; }\n"
       "rpc R(F) returns (google.protobuf.Empty) { option (parley.subscribe) = {retry: {attempts: 1}}; } }",
       ""},
      {"both on one rpc",
       "message E { option (parley.event) = {topic: \"t\"}; } service S { rpc R(E) returns (google.protobuf.Empty) { "
       "option (parley.queue) = {};\n"
       "option (parley.subscribe) = {}; } }",
       "3:1: error: (parley.queue) and (parley.subscribe) stand on one rpc (hint: split it: one rpc a way to be "
       "called)"},
      {"an option on something else", "message E { option (parley.queue) = {}; }",
       "2:20: error: Option field \"(parley.queue)\" is not a field or extension of message \"MessageOptions\". (hint: "
       "it is an option of rpcs)"},
  });
}

TEST(Lint, Links) {
  const char* batch =
      "service C { rpc Get(Q) returns (R) { option idempotency_level = NO_SIDE_EFFECTS; } rpc Set(Q) returns (R); rpc "
      "Watch(Q) returns (stream R); } message Q { repeated string ids = 1; } message R { repeated I items = 1; } "
      "message I { string id = 1; }\n";
  const struct {
    const char* name;
    const char* link;
    const char* want;
  } cases[] = {
      {"all is well", "{field: \"customer\" rpc: \"shop.C/Get\"}", ""},
      {"an rpc that is not there", "{field: \"customer\" rpc: \"shop.C/Gte\"}",
       "(parley.link): there is no rpc `shop.C/Gte` (hint: did you mean `shop.C/Get`?)"},
      {"no rpc at all", "{field: \"customer\" rpc: \"x\"}",
       "(parley.link): there is no rpc `x` (hint: write it as `package.Service/Method`)"},
      {"an rpc with side effects", "{field: \"customer\" rpc: \"shop.C/Set\"}",
       "(parley.link): `shop.C/Set` may have side effects (hint: add `option idempotency_level = NO_SIDE_EFFECTS;` to "
       "it)"},
      {"a stream", "{field: \"customer\" rpc: \"shop.C/Watch\"}",
       "(parley.link): `shop.C/Watch` is a stream (hint: a join needs an rpc with one request and one reply)"},
      {"a field that is there", "{field: \"customerId\" rpc: \"shop.C/Get\"}",
       "(parley.link): `field: \"customerId\"` is a field of shop.O already (hint: choose a name that is free)"},
      {"no field", "{rpc: \"shop.C/Get\"}",
       "(parley.link): `field` is missing (hint: name the field that the join adds)"},
  };
  for (const auto& c : cases) {
    const Loaded loaded =
        load_text("\n" + std::string(batch) + "message O { string customer_id = 1 [(parley.link) = " + c.link + "]; }");
    if (std::string_view(c.want).empty()) {
      EXPECT_EQ(all_text(loaded.diagnostics), "") << c.name;
      continue;
    }
    ASSERT_EQ(loaded.diagnostics.size(), 1U) << c.name << all_text(loaded.diagnostics);
    EXPECT_EQ(loaded.diagnostics[0].text(), "shop.proto:3:37: error: " + std::string(c.want)) << c.name;
  }
}

TEST(Lint, Joins) {
  const std::string types =
      "message Keys { repeated string ids = 1; } message Two { repeated string a = 1; repeated string b = 2; } "
      "message Items { repeated Item items = 1; } message Item { string id = 1; string other = 2; int32 n = 3; } "
      "message More { repeated Item items = 1; repeated Item others = 2; } "
      "message Busy { repeated string ids = 1; string shop = 2 [(google.api.field_behavior) = REQUIRED]; } message O { "
      "string "
      "id = 1; int32 n = 2; } ";
  const auto rpc = [&](std::string_view request, std::string_view response, std::string_view options) {
    return types + "service S { rpc R(" + std::string(request) + ") returns (" + std::string(response) +
           ") { option idempotency_level = NO_SIDE_EFFECTS;\n" + std::string(options) + " } }";
  };
  const struct {
    const char* name;
    std::string text;
    const char* want;
  } cases[] = {
      {"all is well", rpc("Keys", "Items", "option (parley.loader) = {max: 100};"), ""},
      {"two lists of keys", rpc("Two", "Items", "option (parley.loader) = {};"),
       "3:1: error: (parley.loader): several fields of shop.Two can take keys: `a`, `b` (hint: say which: `option "
       "(parley.loader) = {keys: \"a\"};`)"},
      {"two lists of items", rpc("Keys", "More", "option (parley.loader) = {};"),
       "3:1: error: (parley.loader): several fields of shop.More can be what was found: `items`, `others` (hint: say "
       "which: "
       "`option (parley.loader) = {items: \"items\"};`)"},
      {"a key that is not there", rpc("Keys", "Items", "option (parley.loader) = {keys: \"idz\"};"),
       "3:1: error: (parley.loader): `keys: \"idz\"` names no field of shop.Keys (hint: did you mean `ids`?)"},
      {"a match of another type", rpc("Keys", "Items", "option (parley.loader) = {match: \"n\"};"),
       "3:1: error: (parley.loader): `match: \"n\"` is not of the type of `ids` (hint: name the field of an item that "
       "holds "
       "its key)"},
      {"more than keys is needed", rpc("Busy", "Items", "option (parley.loader) = {};"),
       "3:1: error: (parley.loader): `shop` of shop.Busy is REQUIRED, and a join fills in `ids` only (hint: use an rpc "
       "that "
       "needs the keys alone)"},
      {"an extension of nothing",
       rpc("Keys", "Items", "option (parley.graphql) = {extend: \"shop.Ohh\" name: \"x\" key: \"id\"};"),
       "3:1: error: (parley.graphql): there is no message `shop.Ohh` (hint: did you mean `shop.O`?)"},
      {"an extension by a key of another type",
       rpc("Keys", "Items", "option (parley.graphql) = {extend: \"shop.O\" name: \"x\" key: \"n\"};"),
       "3:1: error: (parley.graphql): `n` of shop.O is not of the type of `ids` of shop.Keys (hint: a key is a text or "
       "a "
       "whole number on both sides)"},
      {"an extension that is well",
       rpc("Keys", "Items", "option (parley.graphql) = {extend: \"shop.O\" name: \"x\" key: \"id\"};"), ""},
      {"a name that is none", rpc("Keys", "Items", "option (parley.graphql) = {name: \"a-b\"};"),
       "3:1: error: (parley.graphql): `name: \"a-b\"` is no name in GraphQL (hint: letters, digits and underscores, no "
       "digit "
       "first, and not two underscores)"},
      {"nothing to unwrap", rpc("Keys", "Items", "option (parley.graphql) = {unwrap: \"item\"};"),
       "3:1: error: (parley.graphql): `unwrap: \"item\"` names no field of shop.Items (hint: did you mean `items`?)"},
  };
  for (const auto& c : cases) {
    std::string got;
    for (const Diagnostic& d : load_text("\n" + c.text).diagnostics) got += d.text().substr(d.file.size() + 1);
    EXPECT_EQ(got, c.want) << c.name;
  }
}

TEST(Lint, Aggregates) {
  check({
      {"all is well",
       "service S { option (parley.aggregate) = {id: \"id\" state: \"State\" snapshot_every: 10}; rpc Do(Command) "
       "returns (Events); rpc Fold(Events) "
       "returns (State); } message Command { string id = 1; } message Events {} message State {}",
       ""},
      {"a command without the id",
       "service S { option (parley.aggregate) = {id: \"id\" state: \"State\"};\nrpc Do(Command) returns (Events); rpc "
       "Fold(Events) returns (State); } "
       "message Command { string idd = 1; } message Events {} message State {}",
       "3:1: error: (parley.aggregate): `id: \"id\"` names no field of shop.Command (hint: did you mean `idd`?)"},
      {"a state that is not there",
       "service S { option (parley.aggregate) = {id: \"id\" state: \"Stat\"}; rpc Fold(Events) returns (State); } "
       "message Events {} message State {}",
       "2:13: error: (parley.aggregate): there is no message `Stat` (hint: did you mean `State`?)"},
      {"no Fold", "service S { option (parley.aggregate) = {id: \"id\" state: \"State\"}; } message State {}",
       "2:13: error: (parley.aggregate): the service has no rpc `Fold` (hint: add one that makes a state of a state "
       "and the events after it)"},
      {"a Fold that returns something else",
       "service S { option (parley.aggregate) = {id: \"id\" state: \"State\"};\nrpc Fold(Events) returns (Events); } "
       "message Events {} message State {}",
       "3:1: error: (parley.aggregate): `Fold` returns shop.Events (hint: return shop.State)"},
  });
}

TEST(Lint, GraphqlNames) {
  check({
      {"one name in two services",
       "service S { rpc List(A) returns (A); } message A {}\nservice T { rpc List(A) returns (A); }",
       "3:13: warning: GraphQL: `list` of Mutation is also shop.S/List; both are shown with their service's name "
       "before "
       "it (hint: rename one of the rpcs, or name it: `option (parley.graphql) = {name: \"listT\"};`)"},
      {"different roots do not clash",
       "service S { rpc List(A) returns (A) { option idempotency_level = NO_SIDE_EFFECTS; } } message A {} service T { "
       "rpc List(A) returns (A); }",
       ""},
      {"reserved names", "message A { string __x = 1; }",
       "2:13: warning: GraphQL: names that begin with `__` are reserved (hint: rename the field)"},
  });
}

TEST(Lint, WarningsDoNotStopTheContract) { EXPECT_NE(load_text("message A { string __x = 1; }").contract, nullptr); }

TEST(Lint, Streams) {
  check({
      {"all is well",
       "service S { rpc R(A) returns (stream A) { option (parley.stream) = {share: true history: 100 slow: CLOSE "
       "metadata: [\"authorization\", \"x-tenant\"]}; } rpc T(stream A) returns (stream A) { option (parley.stream) = "
       "{slow: DROP_OLDEST}; } } message A {}",
       ""},
      {"no stream", "service S { rpc R(A) returns (A) { option (parley.stream) = {slow: CLOSE}; } } message A {}",
       "2:36: error: (parley.stream): the rpc returns no stream (hint: remove the option)"},
      {"a shared client stream",
       "service S { rpc R(stream A) returns (stream A) { option (parley.stream) = {share: true}; } } message A {}",
       "2:50: error: (parley.stream): a call that takes a stream cannot be shared (hint: share an rpc that takes one "
       "message)"},
      {"one holds up all",
       "service S { rpc R(A) returns (stream A) { option (parley.stream) = {share: true slow: WAIT}; } } message A {}",
       "2:43: error: (parley.stream): `slow: WAIT` would let one slow caller hold up all who share the stream (hint: "
       "DROP_OLDEST, or CLOSE)"},
      {"history of one's own",
       "service S { rpc R(A) returns (stream A) { option (parley.stream) = {history: 5}; } } message A {}",
       "2:43: error: (parley.stream): `history` and `metadata` are a shared stream's (hint: add `share: true`)"},
      {"too much history",
       "service S { rpc R(A) returns (stream A) { option (parley.stream) = {share: true history: 10001}; } } message A "
       "{}",
       "2:43: error: (parley.stream): `history` is above 10000 (hint: keep less: it is held in memory, for each "
       "stream)"},
      {"a name that is none",
       "service S { rpc R(A) returns (stream A) { option (parley.stream) = {share: true metadata: \"X Y\"}; } } "
       "message "
       "A {}",
       "2:43: error: (parley.stream): `metadata: \"X Y\"` is no name of metadata (hint: such as `authorization`, in "
       "lower case)"},
  });
}

TEST(Lint, QueuesAndSubscriptionsAreServedAndAggregatesNotYet) {
  const Loaded loaded = load_text(
      "message E { option (parley.event) = {topic: \"t\"}; }"
      "service S { rpc Q(E) returns (parley.Receipt) { option (parley.queue) = {}; } rpc P(E) returns (E);"
      "rpc U(E) returns (google.protobuf.Empty) { option (parley.subscribe) = {}; } }"
      "service T { option (parley.aggregate) = {id: \"id\" state: \"E\"}; rpc Fold(E) returns (E); }");
  ASSERT_NE(loaded.contract, nullptr) << all_text(loaded.diagnostics);
  EXPECT_EQ(loaded.contract->find("/shop.S/Q")->not_served, "");
  EXPECT_EQ(loaded.contract->find("/shop.S/U")->not_served, "");
  EXPECT_EQ(loaded.contract->find("/shop.T/Fold")->not_served, "(parley.aggregate) is not served yet");
  EXPECT_EQ(loaded.contract->find("/shop.S/P")->not_served, "");
}

TEST(Lint, Durations) {
  EXPECT_EQ(parse_duration("30s"), 30'000);
  EXPECT_EQ(parse_duration("1.5h"), 5'400'000);
  EXPECT_EQ(parse_duration("250ms"), 250);
  EXPECT_EQ(parse_duration("7d"), 604'800'000);
  for (const char* bad : {"", "s", "30", "30 s", "-1s", "1e3s", "1h30m", "30S", "inf", "nans", "99999999999999d"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace parley::contract
