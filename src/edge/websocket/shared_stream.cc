#include "edge/websocket/shared_stream.h"

#include <utility>

namespace parley::edge::websocket {

SharedStream::SharedStream(SharedStreams& hub, std::string key, const Call& like, StreamPlace place)
    : hub_(hub),
      key_(std::move(key)),
      place_(std::move(place)),
      contract_(like.contract_pointer()),
      ring_(*like.method().output, {.messages = like.method().stream.history}, place_.epoch) {}

void SharedStream::tell() {
  for (Signal* reader : readers_) reader->notify();
}

SharedStream::Reader::Reader(std::shared_ptr<SharedStream> stream, Signal& changed, Format format)
    : stream_(std::move(stream)),
      at_(stream_->readers_.insert(stream_->readers_.end(), &changed)),
      first_(!std::exchange(stream_->joined_, true)) {
  stream_->reader_came(format);
}

SharedStream::Reader::~Reader() {
  stream_->readers_.erase(at_);
  if (stream_->readers_.empty() && !stream_->ended_) stream_->readers_left();
}

}  // namespace parley::edge::websocket
