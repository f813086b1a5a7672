// OpenFrames: frames of the journal that messages are being read from, with where in them each message is: that is
// found once a frame, for all logs. The ones used last stay, within one bound in bytes. Used on the ledger's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "queue/embedded/records.h"
#include "store/journal.h"

namespace parley::queue::embedded {

class OpenFrame {
 public:
  // `model`: the number that records of queues and topics have. data_loss: the frame cannot be read.
  static Result<OpenFrame> of(store::Frame frame, int model);

  const Bytes& body() const { return body_; }
  store::Address at() const { return at_; }
  // In the body, of the record that published the message or moved it here; none: it is not there.
  std::optional<std::uint32_t> offset_of(LogId log, Seq seq) const;
  std::size_t bytes() const { return body_.size() + places_.size() * sizeof(Place); }

 private:
  struct Place {
    LogId log;
    Seq seq;
    std::uint32_t offset;
    auto id() const { return std::pair(log, seq); }
  };
  store::Address at_ = 0;
  Bytes body_;
  std::vector<Place> places_;  // in the order of their ids
};

class OpenFrames {
 public:
  explicit OpenFrames(int model) : model_(model) {}
  void attach(store::Journal& journal) { journal_ = &journal; }
  const store::Journal& journal() const { return *journal_; }

  // What it returns stays until the next call. The journal's errors.
  Result<const OpenFrame*> at(store::Address address);

 private:
  static constexpr std::size_t limit = 4 << 20;

  int model_;
  store::Journal* journal_ = nullptr;
  std::list<OpenFrame> frames_;  // used last, first
  std::size_t bytes_ = 0;
};

}  // namespace parley::queue::embedded
