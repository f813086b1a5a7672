// A server stream of something that changes: a caller that reads slowly gets the newest state, never a backlog.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <grpcpp/grpcpp.h>

namespace shop {

// A stream that the service ends when it stops.
class OpenStream {
 public:
  virtual void close() = 0;

 protected:
  ~OpenStream() = default;
};

// The streams that are open. Every function may be called on any thread.
class OpenStreams {
 public:
  // False when the service is stopping: the stream is then to be ended by whoever asked.
  bool add(OpenStream* stream) {
    std::lock_guard hold(lock_);
    streams_.insert(stream);
    return !closed_;
  }

  void remove(OpenStream* stream) {
    std::lock_guard hold(lock_);
    streams_.erase(stream);
  }

  void close() {
    std::lock_guard hold(lock_);
    closed_ = true;
    for (auto* stream : streams_) stream->close();
  }

 private:
  std::mutex lock_;
  bool closed_ = false;
  std::set<OpenStream*> streams_;
};

// Sends each Message that `changed` is given, or the last of them when the caller was not ready. Deletes itself.
// Lock order: the OpenStreams', that of whoever calls `changed`, then this one's.
template <class Message>
class LatestReactor : public grpc::ServerWriteReactor<Message>, public OpenStream {
 public:
  void close() override { end({grpc::StatusCode::UNAVAILABLE, "the service is stopping"}); }

  void OnWriteDone(bool ok) override {
    std::lock_guard hold(lock_);
    writing_ = false;
    if (!ok) return finish({grpc::StatusCode::CANCELLED, "the caller is gone"});
    if (is_last(sending_)) return finish(grpc::Status::OK);
    if (pending_) send(*std::exchange(pending_, std::nullopt));
  }

  void OnCancel() override { end({grpc::StatusCode::CANCELLED, "cancelled by the caller"}); }

  void OnDone() override {
    unwatch();
    open_.remove(this);
    delete this;
  }

 protected:
  explicit LatestReactor(OpenStreams& open) : open_(open) {}
  virtual ~LatestReactor() = default;

  // For the end of a derived class' constructor: has `watch` begin, which says whether it could, unless all is over.
  template <class Watch>
  void begin(Watch watch) {
    if (!open_.add(this)) return close();
    if (auto status = watch(); !status.ok()) end(status);
  }

  virtual bool is_last(const Message& /*message*/) const { return false; }
  // `changed` is not running when this returns, and never will again.
  virtual void unwatch() = 0;

  void changed(const Message& message) {
    std::lock_guard hold(lock_);
    if (writing_)
      pending_ = message;
    else
      send(message);
  }

 private:
  void end(const grpc::Status& status) {
    std::lock_guard hold(lock_);
    finish(status);
  }

  void send(const Message& message) {
    if (finished_) return;
    sending_ = message;
    writing_ = true;
    this->StartWrite(&sending_);
  }

  void finish(const grpc::Status& status) {
    if (!std::exchange(finished_, true)) this->Finish(status);
  }

  OpenStreams& open_;
  std::mutex lock_;
  bool writing_ = false;
  bool finished_ = false;
  Message sending_;  // gRPC reads it until OnWriteDone
  std::optional<Message> pending_;
};

}  // namespace shop
