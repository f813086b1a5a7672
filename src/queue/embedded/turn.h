// Turn: the operations that one turn of a shard's loop has collected, as one piece of the ledger's work. Several go
// into one group and one sync.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "queue/embedded/model.h"
#include "queue/embedded/op.h"
#include "store/ledger.h"

namespace parley::queue::embedded {

// Made where it is submitted; ends itself once it is done.
class Turn final : public store::Work {
 public:
  static void submit(store::Ledger& ledger, Model& model, std::vector<Op*> ops, bool stores) {
    store::Work* work = new Turn(model, std::move(ops), stores);
    ledger.submit({&work, 1});
  }

  bool frees() const override { return !stores_; }
  void run(store::Group& group) override { finished_ = model_.run_turn(std::exchange(ops_, {}), group); }
  void done(const Result<void>& durable) override {
    // A ledger that has halted runs nothing.
    finished_.insert(finished_.end(), ops_.begin(), ops_.end());
    model_.end_turn(finished_, durable);
    delete this;
  }

 private:
  Turn(Model& model, std::vector<Op*> ops, bool stores) : model_(model), ops_(std::move(ops)), stores_(stores) {}

  Model& model_;
  std::vector<Op*> ops_;
  std::vector<Op*> finished_;
  const bool stores_;
};

// The model's own: nobody asked, but somebody may be served. Used on the ledger's thread; outlives the ledger.
class ServeTurn final : public store::Work {
 public:
  explicit ServeTurn(Model& model) : model_(model) {}
  void submit(store::Ledger& ledger) {
    if (std::exchange(submitted_, true)) return;
    store::Work* work = this;
    ledger.submit({&work, 1});
  }

  bool frees() const override { return true; }
  void run(store::Group& group) override {
    submitted_ = false;
    const std::vector<Op*> more = model_.run_turn({}, group);
    finished_.insert(finished_.end(), more.begin(), more.end());
  }
  void done(const Result<void>& durable) override {
    if (!durable) submitted_ = false;
    model_.end_turn(std::exchange(finished_, {}), durable);
  }

 private:
  Model& model_;
  std::vector<Op*> finished_;
  bool submitted_ = false;
};

}  // namespace parley::queue::embedded
