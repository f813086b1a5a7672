// What operations are answered with: values, nulls, errors, joins.
#include <gtest/gtest.h>

#include "edge/graphql/graphql_fixture.h"

namespace parley::edge::graphql {
namespace {

struct Case {
  const char* name;
  const char* rpc;
  const char* reply;
  const char* query;
  const char* response;
};

void check(const Case& row) {
  SCOPED_TRACE(row.name);
  Bench bench;
  bench.script.replies[row.rpc] = {row.reply};
  EXPECT_EQ(bench.ask(row.query), row.response);
}

TEST(GraphqlValues, AreWrittenAsTheirTypesAsk) {
  const Case rows[] = {
      {"every number", "GetKinds",
       R"({"i32":-1,"i64":"-9007199254740993","u32":4294967295,"u64":"18446744073709551615","s32":-5,"s64":"-6","f32":7,"f64":"8","flt":1.5,"dbl":-0.25,"yes":true})",
       "{kinds{i32 i64 u32 u64 s32 s64 f32 f64 flt dbl yes}}",
       R"({"data":{"kinds":{"i32":-1,"i64":"-9007199254740993","u32":"4294967295","u64":"18446744073709551615","s32":-5,"s64":"-6","f32":"7","f64":"8","flt":1.5,"dbl":-0.25,"yes":true}}})"},
      {"what is absent", "GetKinds", "{}",
       "{kinds{i32 i64 u32 u64 flt yes text raw mood maybe word count at lasts anyOf value mask moods doubles "
       "texts{body}}}",
       R"({"data":{"kinds":{"i32":0,"i64":"0","u32":"0","u64":"0","flt":0,"yes":false,"text":"","raw":"","mood":null,"maybe":null,"word":null,"count":null,"at":null,"lasts":null,"anyOf":null,"value":null,"mask":null,"moods":[],"doubles":[],"texts":[]}}})"},
      {"zeros that were set", "GetKinds", R"({"maybe":0,"word":"","count":0})", "{kinds{maybe word count}}",
       R"({"data":{"kinds":{"maybe":0,"word":"","count":"0"}}})"},
      {"custom scalars", "GetKinds",
       R"({"raw":"aGk=","mood":"MOOD_SAD","at":"2026-01-02T03:04:05.600Z","lasts":"1.5s","anyOf":{"a":[1,null,{"b":true}]},"value":"x","mask":"a,bC"})",
       "{kinds{raw mood at lasts anyOf value mask}}",
       R"({"data":{"kinds":{"raw":"aGk=","mood":"SAD","at":"2026-01-02T03:04:05.600Z","lasts":"1.500s","anyOf":{"a":[1,null,{"b":true}]},"value":"x","mask":"a,bC"}}})"},
      {"lists", "GetKinds",
       R"({"moods":["MOOD_GLAD","MOOD_SAD"],"doubles":[1,2.5],"u32s":[1,2],"times":["2026-01-02T03:04:05Z"],"texts":[{"body":"a"},{}]})",
       "{kinds{moods doubles u32s times texts{body}}}",
       R"({"data":{"kinds":{"moods":["GLAD","SAD"],"doubles":[1,2.5],"u32s":["1","2"],"times":["2026-01-02T03:04:05Z"],"texts":[{"body":"a"},{"body":""}]}}})"},
      {"escapes", "GetKinds", R"({"text":"a\"\\\n\u0001é"})", "{kinds{text}}",
       R"({"data":{"kinds":{"text":"a\"\\\n\u0001é"}}})"},
      {"a map is a list of entries", "GetPost", R"({"counts":{"a":"1"},"texts":{"7":{"body":"x"}}})",
       "{post(id:1){counts{key value} texts{key value{body}}}}",
       R"({"data":{"post":{"counts":[{"key":"a","value":"1"}],"texts":[{"key":7,"value":{"body":"x"}}]}}})"},
      {"an unwrapped list", "ListTitles", R"({"titles":["a","b"]})", "{listTitles}",
       R"({"data":{"listTitles":["a","b"]}})"},
      {"an unwrapped list that is empty", "ListTitles", "{}", "{listTitles}", R"({"data":{"listTitles":[]}})"},
      {"recursion", "GetPost", R"({"title":"a","parent":{"title":"b","parent":{}}})",
       "{post(id:1){title parent{title parent{title parent{title}}}}}",
       R"({"data":{"post":{"title":"a","parent":{"title":"b","parent":{"title":"","parent":null}}}}})"},
  };
  for (const Case& row : rows) check(row);
}

TEST(GraphqlSelection, KeepsTheDocumentsOrder) {
  const Case rows[] = {
      {"keys and aliases", "GetPost", R"({"id":"1","title":"t"})", "{p:post(id:1){b:title a:id __typename title}}",
       R"({"data":{"p":{"b":"t","a":"1","__typename":"Post","title":"t"}}})"},
      {"merged fields stand where the first stood", "GetPost",
       R"({"id":"1","title":"t","parent":{"id":"2","title":"u"}})",
       "{post(id:1){parent{id} title ...F}} fragment F on Post{parent{title} id}",
       R"({"data":{"post":{"parent":{"id":"2","title":"u"},"title":"t","id":"1"}}})"},
      {"a union", "GetPost", R"({"text":{"body":"b"},"parent":{"number":0}})",
       "{post(id:1){content{__typename ...on Text{body}} parent{content{__typename ...on PostContentNumber{number}}}}}",
       R"({"data":{"post":{"content":{"__typename":"Text","body":"b"},"parent":{"content":{"__typename":"PostContentNumber","number":0}}}}})"},
      {"a union without a member", "GetPost", "{}", "{post(id:1){content{__typename}}}",
       R"({"data":{"post":{"content":null}}})"},
      {"skip and include", "GetPost", R"({"id":"1","title":"t"})",
       "{post(id:1){id @skip(if:true) title @include(if:true) @skip(if:false)}}", R"({"data":{"post":{"title":"t"}}})"},
      {"the root's type", "GetPost", "{}", "{__typename}", R"({"data":{"__typename":"Query"}})"},
  };
  for (const Case& row : rows) check(row);
}

TEST(GraphqlWire, IsMergedAsProtobufSays) {
  const Case rows[] = {
      // title "a", id 1, title "b"
      {"the last scalar wins", "GetPost", "@1201610801120162", "{post(id:1){title id}}",
       R"({"data":{"post":{"title":"b","id":"1"}}})"},
      // parent {id 2}, id 1, parent {title "u"}
      {"a message in two parts", "GetPost",
       "@520208020801520312"
       "0175",
       "{post(id:1){parent{id title} id}}", R"({"data":{"post":{"parent":{"id":"2","title":"u"},"id":"1"}}})"},
      // tags "a", id 1, tags "b"
      {"a list in two parts", "GetPost", "@3201610801320162", "{post(id:1){tags id}}",
       R"({"data":{"post":{"tags":["a","b"],"id":"1"}}})"},
      // link "x", number 3
      {"the last member of a oneof", "GetPost", "@4201784803", "{post(id:1){content{__typename}}}",
       R"({"data":{"post":{"content":{"__typename":"PostContentNumber"}}}})"},
      // field 99 varint, i32 as a length-delimited record, i32 4
      {"what is unknown or of another type is skipped", "GetKinds", "@9806010a01780804", "{kinds{i32}}",
       R"({"data":{"kinds":{"i32":4}}})"},
  };
  for (const Case& row : rows) check(row);
}

TEST(GraphqlErrors, BubbleToTheNearestPlaceThatMayBeNull) {
  const Case rows[] = {
      {"a call that fails", "GetPost", "!NOT_FOUND no post 1", "{p:post(id:1){id}}",
       R"({"errors":[{"message":"no post 1","locations":[{"line":1,"column":2}],"path":["p"],"extensions":{"code":"NOT_FOUND"}}],"data":{"p":null}})"},
      {"an enum value that is not there", "GetKinds", "@705d", "{kinds{mood}}",
       R"({"errors":[{"message":"Enum \"Mood\" cannot represent value: 93","locations":[{"line":1,"column":8}],"path":["kinds","mood"]}],"data":{"kinds":{"mood":null}}})"},
      {"no number", "GetKinds", R"({"dbl":"NaN","i32":1})", "{kinds{i32 dbl}}",
       R"({"errors":[{"message":"Float cannot represent non numeric value: NaN","locations":[{"line":1,"column":12}],"path":["kinds","dbl"]}],"data":{"kinds":null}})"},
      {"in a list", "GetKinds", R"({"doubles":[1,"Infinity"]})", "{kinds{doubles}}",
       R"({"errors":[{"message":"Float cannot represent non numeric value: Infinity","locations":[{"line":1,"column":8}],"path":["kinds","doubles",1]}],"data":{"kinds":null}})"},
      {"a string that is no UTF-8", "GetPost", "@1201ff", "{post(id:1){title}}",
       R"({"errors":[{"message":"a string is not valid UTF-8","locations":[{"line":1,"column":13}],"path":["post","title"],"extensions":{"code":"INTERNAL","reason":"malformed_reply"}}],"data":{"post":null}})"},
      {"a reply that is cut off", "GetPost", "@1205", "{post(id:1){title}}",
       R"({"errors":[{"message":"the service's reply is malformed","locations":[{"line":1,"column":2}],"path":["post"],"extensions":{"code":"INTERNAL","reason":"malformed_reply"}}],"data":{"post":null}})"},
      {"an argument that the transcoder refuses", "ListPosts", "{}", "{listPosts(readMask:\"a_b\"){nextPageToken}}",
       R"_({"errors":[{"message":"$.readMask: a field mask is a list of JSON names (userName,item.price) without underscores","locations":[{"line":1,"column":2}],"path":["listPosts"],"extensions":{"code":"INVALID_ARGUMENT","reason":"bad_argument"}}],"data":{"listPosts":null}})_"},
  };
  for (const Case& row : rows) check(row);
}

// ---- joins

constexpr const char* two_posts =
    R"({"posts":[{"id":"1","userId":7,"readerIds":[8,9,7]},{"id":"2","userId":8},{"id":"3"},{"id":"4","userId":7}]})";

TEST(GraphqlJoins, AskOnceForEveryKeyAndMatchByKey) {
  Bench bench;
  bench.script.replies["ListPosts"] = {two_posts};
  bench.script.replies["BatchGetUsers"] = {R"({"users":[{"id":8,"name":"b"},{"id":7,"name":"a"},{"id":99}]})"};
  EXPECT_EQ(bench.ask("{listPosts{posts{id user{name}}}}"),
            R"({"data":{"listPosts":{"posts":[{"id":"1","user":{"name":"a"}},{"id":"2","user":{"name":"b"}},)"
            R"({"id":"3","user":null},{"id":"4","user":{"name":"a"}}]}}})");
  EXPECT_EQ(bench.script.calls,
            (std::vector<std::string>{R"(ListPosts {"readMask":"id,userId"})", R"(BatchGetUsers {"ids":[7,8]})"}));
}

TEST(GraphqlJoins, ListsOfKeysGiveAnItemOrNullEach) {
  Bench bench;
  bench.script.replies["ListPosts"] = {two_posts};
  bench.script.replies["BatchGetUsers"] = {R"({"users":[{"id":8,"name":"b"},{"id":7,"name":"a"}]})"};
  EXPECT_EQ(
      bench.ask("{listPosts{posts{readers{name}}}}"),
      R"({"data":{"listPosts":{"posts":[{"readers":[{"name":"b"},null,{"name":"a"}]},{"readers":[]},{"readers":[]},{"readers":[]}]}}})");
}

TEST(GraphqlJoins, FormBatchesLevelByLevel) {
  Bench bench;
  bench.script.replies["ListPosts"] = {two_posts};
  bench.script.replies["BatchGetUsers"] = {
      R"({"users":[{"id":8,"teamId":"t"},{"id":7,"teamId":"t"},{"id":9,"teamId":"u"}]})"};
  bench.script.replies["BatchGetTeams"] = {R"({"teams":{"t":{"title":"T"}}})"};
  bench.script.replies["ListNotes"] = {
      R"({"notes":[{"userId":7,"text":"x"},{"userId":8,"text":"y"},{"userId":7,"text":"z"}]})"};
  EXPECT_EQ(
      bench.ask("{listPosts{posts{user{id team{title} notes{text}} readers{team{title}}}}}"),
      R"({"data":{"listPosts":{"posts":[)"
      R"({"user":{"id":7,"team":{"title":"T"},"notes":[{"text":"x"},{"text":"z"}]},"readers":[{"team":{"title":"T"}},{"team":null},{"team":{"title":"T"}}]},)"
      R"({"user":{"id":8,"team":{"title":"T"},"notes":[{"text":"y"}]},"readers":[]},{"user":null,"readers":[]},)"
      R"({"user":{"id":7,"team":{"title":"T"},"notes":[{"text":"x"},{"text":"z"}]},"readers":[]}]}}})");
  EXPECT_EQ(bench.script.calls, (std::vector<std::string>{
                                    R"(ListPosts {"readMask":"readerIds,userId"})", R"(BatchGetUsers {"ids":[7,8,9]})",
                                    R"(BatchGetTeams {"ids":["t","u"]})", R"(ListNotes {"userIds":[7,8]})"}));
}

TEST(GraphqlJoins, ChunksFailByThemselves) {
  Bench bench;
  bench.script.replies["ListPosts"] = {R"({"posts":[{"userId":1},{"userId":2},{"userId":3},{"userId":4}]})"};
  bench.script.replies["BatchGetUsers"] = {R"({"users":[{"id":1,"name":"a"},{"id":3,"name":"c"}]})",
                                           "!UNAVAILABLE down"};
  EXPECT_EQ(
      bench.ask("{listPosts{posts{user{name}}}}"),
      R"({"errors":[{"message":"down","locations":[{"line":1,"column":18}],"path":["listPosts","posts",3,"user"],"extensions":{"code":"UNAVAILABLE"}}],)"
      R"("data":{"listPosts":{"posts":[{"user":{"name":"a"}},{"user":null},{"user":{"name":"c"}},{"user":null}]}}})");
  EXPECT_EQ(bench.script.calls.size(), 3U);
}

TEST(GraphqlJoins, ShareNothingBetweenFieldsOfAMutation) {
  Bench bench;
  bench.script.replies["CreatePost"] = {R"({"userId":7})"};
  bench.script.replies["BatchGetUsers"] = {R"({"users":[{"id":7,"name":"before"}]})",
                                           R"({"users":[{"id":7,"name":"after"}]})"};
  EXPECT_EQ(bench.ask("mutation{a:createPost(input:{post:{title:\"x\"}}){user{name}} "
                      "b:createPost(input:{post:{title:\"y\"}}){user{name}}}"),
            R"({"data":{"a":{"user":{"name":"before"}},"b":{"user":{"name":"after"}}}})");
  EXPECT_EQ(bench.script.calls,
            (std::vector<std::string>{R"(CreatePost {"post":{"title":"x"}})", R"(BatchGetUsers {"ids":[7]})",
                                      R"(CreatePost {"post":{"title":"y"}})", R"(BatchGetUsers {"ids":[7]})"}));
}

// ---- requests

struct RequestCase {
  const char* name;
  const char* query;
  const char* variables;
  const char* call;  // "": the response says why there is none
};

// A short list of a long variable, again and again.
TEST(GraphqlArguments, AreNoLargerThanWhatARequestMayBe) {
  Bench bench;
  const auto tagged = [&bench](int times, std::size_t size) {
    std::string list;
    for (int i = 0; i < times; ++i) list += "$t ";
    return bench.ask("mutation($t:String!){createPost(input:{post:{title:\"x\" tags:[" + list + "]}}){id}}",
                     "{\"t\":\"" + std::string(size, 'x') + "\"}");
  };
  EXPECT_EQ(tagged(3, 1 << 20), R"({"data":{"createPost":{"id":"0"}}})") << "7 bytes of query and 1 MiB of variable";
  EXPECT_EQ(bench.script.calls.size(), 1U);
  EXPECT_EQ(tagged(500, 100'000),
            R"({"errors":[{"message":"The arguments of \"createPost\" are larger than 8388608 bytes.",)"
            R"("locations":[{"line":1,"column":22}],"path":["createPost"],)"
            R"("extensions":{"code":"RESOURCE_EXHAUSTED","reason":"message_too_large"}}],"data":{"createPost":null}})");
  EXPECT_EQ(bench.script.calls.size(), 1U);
}

TEST(GraphqlArguments, BecomeTheRequest) {
  const RequestCase rows[] = {
      {"literals", "{post(id:\"5\" by:{slug:\"a\"}){id}}", "null", R"(GetPost {"id":"5","slug":"a"})"},
      {"variables", "query($i:Int64! $b:GetPostRequestByInput){post(id:$i by:$b){id}}", R"({"i":5,"b":{"place":0}})",
       R"(GetPost {"id":"5","place":0})"},
      {"an absent variable is an absent argument", "query($i:Int64! $b:GetPostRequestByInput){post(id:$i by:$b){id}}",
       R"({"i":"5"})", R"(GetPost {"id":"5"})"},
      {"a default", "query($i:Int64!=6){post(id:$i){id}}", "{}", R"(GetPost {"id":"6"})"},
      {"a variable within a literal", "query($s:String!){post(id:1 by:{slug:$s}){id}}", R"({"s":"x"})",
       R"(GetPost {"id":"1","slug":"x"})"},
      {"nested input, enums, maps",
       "mutation($m:Mood $c:[CreatePostRequestCountsEntryInput!]){createPost(input:{post:{title:\"t\" mood:$m "
       "tags:\"one\"} counts:$c}){id}}",
       R"({"m":"SAD","c":[{"key":"a","value":"1"},{"key":"b","value":2}]})",
       R"(CreatePost {"post":{"title":"t","mood":"MOOD_SAD","tags":["one"]},"counts":{"a":"1","b":"2"}})"},
  };
  for (const RequestCase& row : rows) {
    SCOPED_TRACE(row.name);
    Bench bench;
    const std::string response = bench.ask(row.query, row.variables);
    EXPECT_EQ(bench.script.calls, std::vector<std::string>{row.call}) << response;
  }
}

TEST(GraphqlArguments, TheSelectionIsTheReadMask) {
  Bench bench;
  bench.ask("{listPosts(pageSize:3){posts{id user{name} parent{title}} nextPageToken}}");
  EXPECT_EQ(bench.script.calls,
            std::vector<std::string>{R"(ListPosts {"pageSize":3,"readMask":"id,parent.title,userId"})"});
  bench.script.calls.clear();
  bench.ask("{listPosts(readMask:\"title\"){posts{id}}}");
  EXPECT_EQ(bench.script.calls, std::vector<std::string>{R"(ListPosts {"readMask":"title"})"});
}

}  // namespace
}  // namespace parley::edge::graphql
