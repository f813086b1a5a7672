#include "wire/grpc_frame.h"

#include <algorithm>

#include <fmt/format.h>

namespace parley::wire {
namespace {

// A prefix may promise much and send nothing: only so much is reserved on its word.
constexpr std::size_t reserve_at_most = 64 * 1024;

Error too_large(std::size_t size, std::size_t limit) {
  return Error(Code::resource_exhausted, Blame::caller,
               fmt::format("a message of {} bytes is above the limit of {}", size, limit))
      .with_reason("message_too_large");
}

}  // namespace

void GrpcFrameDecoder::feed(Bytes chunk) {
  if (rest_.empty()) {
    rest_ = std::move(chunk);
    return;
  }
  std::string joined(rest_.view());
  joined.append(chunk.view());
  rest_ = Bytes(std::move(joined));
}

// True once the whole prefix is there.
bool GrpcFrameDecoder::read_prefix() {
  const std::size_t take = std::min(frame_prefix_size - prefix_have_, rest_.size());
  std::copy_n(rest_.data(), take, prefix_.data() + prefix_have_);
  prefix_have_ += take;
  rest_ = rest_.slice(take);
  if (prefix_have_ < frame_prefix_size) return false;
  size_ = std::size_t{prefix_[1]} << 24U | std::size_t{prefix_[2]} << 16U | std::size_t{prefix_[3]} << 8U | prefix_[4];
  return true;
}

Result<std::optional<GrpcFrame>> GrpcFrameDecoder::next() {
  if (refused_) return fail(too_large(*refused_, max_payload_));
  if (prefix_have_ < frame_prefix_size) {
    if (!read_prefix()) return std::nullopt;
    if (size_ > max_payload_) {
      refused_ = size_;
      return fail(too_large(size_, max_payload_));
    }
  }
  GrpcFrame frame{prefix_[0], {}};
  if (partial_.empty() && rest_.size() >= size_) {
    frame.payload = rest_.slice(0, size_);
    rest_ = rest_.slice(size_);
  } else {
    if (partial_.empty()) partial_.reserve(std::min(size_, reserve_at_most));
    const std::size_t take = std::min(size_ - partial_.size(), rest_.size());
    partial_.append(rest_.data(), take);
    rest_ = rest_.slice(take);
    if (partial_.size() < size_) return std::nullopt;
    frame.payload = Bytes(std::exchange(partial_, {}));
  }
  prefix_have_ = 0;
  return frame;
}

std::array<char, frame_prefix_size> grpc_frame_prefix(std::uint8_t flags, std::size_t size) {
  const auto byte = [size](unsigned shift) { return static_cast<char>(size >> shift & 0xffU); };
  return {static_cast<char>(flags), byte(24), byte(16), byte(8), byte(0)};
}

Bytes grpc_frame(std::uint8_t flags, std::string_view payload) {
  const auto prefix = grpc_frame_prefix(flags, payload.size());
  std::string text;
  text.reserve(prefix.size() + payload.size());
  text.append(prefix.data(), prefix.size());
  text.append(payload);
  return Bytes(std::move(text));
}

}  // namespace parley::wire
