// For tests of edges: an exchange whose client is the test.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "net/exchange.h"

namespace parley::net {

class TestExchange : public ServerExchange, PipeObserver {
 public:
  TestExchange(std::string_view verb, std::string_view target, Fields fields = {}) {
    request_ = {std::string(verb), "http", "test", std::string(target), std::move(fields)};
    static const Peer peer{.address = "127.0.0.1:9", .tls = false, .http_version = 11, .subject = {}};
    peer_ = &peer;
    response_body_.observe(this);
  }

  // The client's side.
  void send(std::string_view chunk) { body_.push(Bytes::copy_of(chunk)); }
  void end() { body_.end(); }
  void go_away() { break_off(Error(Code::cancelled, Blame::caller, "the client is gone")); }
  void read_on() {
    slow_ = false;
    pipe_written(response_body_);
  }
  void stop_reading() { slow_ = true; }

  const ResponseHead& head() const { return head_; }
  const std::string& text() const { return text_; }
  const Fields& trailers() const { return trailers_; }
  bool is_finished() const { return finished_; }
  const std::optional<Reset>& was_reset() const { return reset_; }
  std::string header(std::string_view name) const { return std::string(head_.fields.get(name)); }

  void respond(ResponseHead head) override {
    EXPECT_FALSE(responded_) << "a second head";
    responded_ = true;
    head_ = std::move(head);
  }
  void finish(Fields trailers) override {
    EXPECT_TRUE(responded_);
    EXPECT_FALSE(finished_) << "finished twice";
    finished_ = true;
    trailers_ = std::move(trailers);
  }
  void accept_upgrade(Fields) override {}
  void reset(Reset code) override {
    reset_ = code;
    break_off(Error(Code::cancelled, Blame::us, "reset"));
  }

 private:
  void pipe_written(Pipe& pipe) override {
    while (!slow_ && pipe.count() > 0) {
      EXPECT_TRUE(responded_) << "a body without a head";
      text_ += (*pipe.take())->view();
    }
  }

  ResponseHead head_;
  std::string text_;
  Fields trailers_;
  bool finished_ = false;
  bool slow_ = false;
  std::optional<Reset> reset_;
};

}  // namespace parley::net
