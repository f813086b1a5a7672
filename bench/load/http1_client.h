// A connection of parley_load that speaks HTTP/1.1, and looks at each answer.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "client.h"
#include "seeds.h"
#include "wire/http1.h"

namespace parley::bench {

class Http1Client : public Client {
 public:
  Http1Client(const Options& options, Totals& totals, Seeds& seeds)
      : Client(options, totals), seeds_(seeds), request_(request_text(options)) {}

  void send(Instant due) override {
    started();
    const int seed = request_.varies() ? seeds_.next() : 0;
    sent_.push_back({due, seed});
    request_.append_to(out_, seed);
  }

 private:
  struct Sent {
    Instant due;
    int seed;
  };

  static std::string request_text(const Options& options) {
    std::string text = options.method + " " + options.path + " HTTP/1.1\r\nHost: " + options.authority + "\r\n";
    for (const auto& [name, value] : options.headers) text += name + ": " + value + "\r\n";
    if (!options.body.empty()) text += "Content-Length: " + std::to_string(options.body.size()) + "\r\n";
    return text + "\r\n" + options.body;
  }

  void received(std::string_view bytes) override {
    using Event = parley::wire::Http1Parser::Event;
    for (;;) {
      const auto event = parser_.next(bytes);
      if (!event) return die();
      if (*event == Event::need_more) return;
      if (*event == Event::head) body_.clear();
      if (*event == Event::data && looks_at_body()) body_ += parser_.data();
      if (*event != Event::end) continue;
      const Sent sent = sent_.front();
      sent_.pop_front();
      ended(sent.due, good(sent));
    }
  }

  bool looks_at_body() const { return options_.expect_bytes != 0 || !options_.reject.empty(); }

  bool good(const Sent& sent) {
    const int status = parser_.head().status;
    std::string problem;
    if (status != 200) {
      problem = "status " + std::to_string(status);
    } else if (options_.expect_bytes != 0 && body_.size() != options_.expect_bytes) {
      problem = std::to_string(body_.size()) + " bytes instead of " + std::to_string(options_.expect_bytes);
    } else if (!options_.reject.empty() && body_.find(options_.reject) != std::string::npos) {
      problem = options_.reject;
    } else if (looks_at_body() && sent.seed != 0 && body_.find(std::to_string(sent.seed)) == std::string::npos) {
      problem = "the answer to another request";
    }
    if (problem.empty()) return true;
    if (totals_.first_error.empty()) totals_.first_error = problem + ": " + body_.substr(0, 300);
    return false;
  }

  Seeds& seeds_;
  SeededText request_;
  parley::wire::Http1Parser parser_{parley::wire::Http1Parser::Kind::response, {}};
  std::string body_;
  std::deque<Sent> sent_;
};

}  // namespace parley::bench
