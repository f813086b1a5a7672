#include "edge/websocket/shared_streams.h"

#include <utility>
#include <vector>

#include "loop/shard.h"

namespace parley::edge::websocket {
namespace {

void append_part(std::string& key, std::string_view part) {
  key.append(std::to_string(part.size())).append(":").append(part);
}

std::string key_of(const Call& call, const Bytes& request) {
  // Streams of an old contract are not joined; the stream keeps its contract, so no other has its address.
  std::string key = std::to_string(reinterpret_cast<std::uintptr_t>(&call.contract())) + ";";
  append_part(key, call.method().path);
  append_part(key, request.view());
  for (const std::string& name : call.method().stream.metadata) {
    for (const std::string_view value : call.metadata.all(name)) append_part(key, value);
    key += ';';
  }
  return key;
}

}  // namespace

SharedStreams::SharedStreams(std::shared_ptr<StreamDirectory> directory)
    : directory_(directory == nullptr ? std::make_shared<StreamDirectory>() : std::move(directory)) {}

SharedStreams::~SharedStreams() {
  if (mailbox_ != nullptr) mailbox_->close();
}

const MailboxPtr& SharedStreams::mailbox() {
  if (mailbox_ == nullptr) mailbox_ = std::make_shared<Mailbox>(Shard::current(), *this);
  return mailbox_;
}

std::shared_ptr<SharedStream> SharedStreams::join(const Call& call, const Bytes& request, const HandlerPtr& handler) {
  std::string key = key_of(call, request);
  if (const auto at = streams_.find(key); at != streams_.end()) return at->second;
  StreamPlace place = directory_->find_or_claim(key, mailbox());
  if (place.owner != mailbox()) {
    auto replica = std::make_shared<StreamReplica>(*this, key, call, std::move(place), ++last_number_);
    streams_.emplace(std::move(key), replica);
    replicas_.emplace(replica->number(), replica);
    return replica;
  }
  auto source = std::make_shared<StreamSource>(*this, key, call, request, std::move(place));
  streams_.emplace(std::move(key), source);
  sources_.emplace(source->place().id, source.get());
  if (draining_) source->cancel(Error(Code::unavailable, Blame::us, "Parley stops").with_reason("draining"));
  tasks_.spawn(StreamSource::run(source, handler));
  return source;
}

Task<void> SharedStreams::drain() {
  draining_ = true;
  std::vector<StreamSource*> sources;
  for (const auto& [id, source] : sources_) sources.push_back(source);
  for (StreamSource* source : sources) source->look_for_readers();
  co_await tasks_.join();
}

void SharedStreams::retire(const SharedStream& stream) {
  directory_->release(stream.key(), stream.place().id);
  const auto at = streams_.find(stream.key());
  if (at != streams_.end() && at->second.get() == &stream) streams_.erase(at);
}

void SharedStreams::forget(const StreamSource& stream) { sources_.erase(stream.place().id); }

void SharedStreams::forget(const StreamReplica& stream) {
  const auto at = streams_.find(stream.key());
  if (at != streams_.end() && at->second.get() == &stream) streams_.erase(at);
  replicas_.erase(stream.number());
}

StreamSource* SharedStreams::find_source(std::uint64_t stream) const {
  const auto at = sources_.find(stream);
  return at == sources_.end() ? nullptr : at->second;
}

void SharedStreams::follow(std::uint64_t stream, const MailboxPtr& from, std::uint64_t number, Format format,
                           bool is_new) {
  StreamSource* source = find_source(stream);
  if (source != nullptr && !is_new) return source->want(format);
  if (source != nullptr && !source->is_cancelled()) return source->follow(from, number, format);
  (void)Mailbox::deliver(from, [number](SharedStreams& hub) { hub.gone(number); });
}

void SharedStreams::unfollow(std::uint64_t stream, const MailboxPtr& from, std::uint64_t number) {
  if (StreamSource* source = find_source(stream)) source->unfollow(from, number);
}

void SharedStreams::acknowledge(std::uint64_t stream, const MailboxPtr& from, std::uint64_t number) {
  if (StreamSource* source = find_source(stream)) source->acknowledge(from, number);
}

void SharedStreams::take(std::uint64_t number, StreamBatch batch) {
  const auto at = replicas_.find(number);
  if (at == replicas_.end()) return;
  const std::shared_ptr<StreamReplica> replica = at->second;  // it may leave meanwhile
  replica->take(std::move(batch));
}

void SharedStreams::gone(std::uint64_t number) {
  const auto at = replicas_.find(number);
  if (at == replicas_.end()) return;
  const std::shared_ptr<StreamReplica> replica = at->second;
  if (!replica->is_open()) replica->gone();
}

}  // namespace parley::edge::websocket
