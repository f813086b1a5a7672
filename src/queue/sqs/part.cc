#include "queue/sqs/part.h"

#include <charconv>
#include <random>

#include <fmt/format.h>

#include "queue/sqs/fault.h"
#include "queue/sqs/json_writer.h"

namespace parley::queue::sqs {
namespace {

using std::chrono::seconds;

// What a dead letter may need beyond the message: its reason, which is cut to half of it, and state.
constexpr std::size_t reserve = 2048;
// Entries of deletes and the like: receipts of about 1 KiB; the limit that counts is that of ten.
constexpr std::size_t small_entry = 1;

// SQS reports a receipt of a FIFO queue that is too old as a parameter that is wrong.
Result<void> settled(Result<std::string> outcome) {
  if (outcome) return {};
  const Error& error = outcome.error();
  if (error.reason() == "sqs_refused" && error.message().find("eceipt") != std::string::npos)
    return fail(lease_lost(error.message()));
  return fail(error);
}

}  // namespace

std::string unique_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{:016x}{:016x}", random(), random());
}

std::int64_t whole_seconds(Duration duration) {
  constexpr std::int64_t most = 12 * 60 * 60;
  return std::clamp<std::int64_t>(std::chrono::ceil<seconds>(duration).count(), 0, most);
}

Part::Part(Workbench& bench, std::string url, bool fifo)
    : bench_(bench),
      url_(std::move(url)),
      fifo_(fifo),
      sends_(bench.shard, bench.client, bench.tasks, "SendMessageBatch", url_, {.bytes = bench.settings.max_message}),
      deletes_(bench.shard, bench.client, bench.tasks, "DeleteMessageBatch", url_, {}),
      changes_(bench.shard, bench.client, bench.tasks, "ChangeMessageVisibilityBatch", url_, {}) {}

Task<Result<std::string>> Part::send(const Envelope& envelope, Send how) {
  const std::size_t limit = bench_.settings.max_message;
  Encoded encoded = encode(envelope);
  for (const Detail less : {Detail::brief, Detail::none}) {
    if (!how.is_new && encoded.bytes > limit) encoded = encode(envelope, less);
  }
  if (encoded.bytes > limit - (how.is_new ? reserve : 0)) {
    co_return fail(Error(Code::resource_exhausted, Blame::caller,
                         fmt::format("SQS takes {} bytes in a message with its attributes; this one has {}",
                                     limit - reserve, encoded.bytes))
                       .with_reason("message_too_large"));
  }
  if (fifo_) {
    encoded.members += ',' + JsonWriter()
                                 .text("MessageGroupId", how.group)
                                 .text("MessageDeduplicationId", how.dedup.empty() ? unique_id() : how.dedup)
                                 .take();
  } else if (how.delay > Duration::zero()) {
    encoded.members += fmt::format(R"(,"DelaySeconds":{})", std::min<std::int64_t>(900, whole_seconds(how.delay)));
  }
  co_return co_await sends_.add(std::move(encoded.members), encoded.bytes, fifo_ ? how.group : std::string());
}

Task<Result<std::vector<Received>>> Part::receive(Receive how) {
  JsonWriter json;
  json.begin().text("QueueUrl", url_).number("MaxNumberOfMessages", std::clamp(how.most, 1, 10));
  json.number("VisibilityTimeout", whole_seconds(how.hidden));
  json.number("WaitTimeSeconds", std::chrono::floor<seconds>(how.wait).count());
  // The older name of the two for the same thing: every server knows it.
  json.begin_list("AttributeNames").text("All").end_list();
  json.begin_list("MessageAttributeNames").text("All").end_list();
  // An answer that is lost on the way keeps its groups locked; asked again by the same id, SQS gives it again.
  if (fifo_) json.text("ReceiveRequestAttemptId", unique_id());
  const Result<std::string> answer =
      co_await bench_.client.call("ReceiveMessage", json.end().take(), how.wait + bench_.settings.answer_time);
  if (!answer) co_return fail(answer.error());
  co_return read_messages(*answer);
}

Task<Result<void>> Part::remove(std::string receipt) {
  co_return settled(co_await deletes_.add(JsonWriter().text("ReceiptHandle", receipt).take(), small_entry));
}

Task<Result<void>> Part::hide(std::string receipt, Duration how_long) {
  JsonWriter json;
  json.text("ReceiptHandle", receipt).number("VisibilityTimeout", whole_seconds(how_long));
  co_return settled(co_await changes_.add(json.take(), small_entry));
}

Task<Result<Part::Depth>> Part::depth() {
  static constexpr std::string_view names[] = {"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
                                               "ApproximateNumberOfMessagesDelayed"};
  if (url_.empty()) co_return Depth{};
  JsonWriter json;
  json.begin().text("QueueUrl", url_).begin_list("AttributeNames");
  for (const std::string_view name : names) json.text(name);
  const Result<std::string> answer = co_await bench_.client.call("GetQueueAttributes", json.end_list().end().take());
  if (!answer) co_return fail(answer.error());
  const auto attributes = read_texts(*answer, "Attributes");
  if (!attributes) co_return fail(attributes.error());
  Depth out;
  std::uint64_t* const numbers[] = {&out.visible, &out.hidden, &out.delayed};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    const auto at = attributes->find(std::string(names[i]));
    if (at == attributes->end()) continue;
    std::from_chars(at->second.data(), at->second.data() + at->second.size(), *numbers[i]);
  }
  co_return out;
}

}  // namespace parley::queue::sqs
