#include "queue/embedded/run_index.h"

#include <algorithm>
#include <string>
#include <utility>

#include "queue/embedded/keys.h"
#include "queue/embedded/sure.h"

namespace parley::queue::embedded {
namespace {

constexpr std::size_t recent_runs = 8;

std::string text_of(const Run& run) {
  std::string out;
  Writer to(out);
  to.number(run.frame);
  Seq behind = run.first();
  for (const Run::Stretch& one : run.stretches) {
    to.number(one.first - behind);
    to.number((one.end - one.first) << 1 | (one.has_due ? 1 : 0));
    behind = one.end;
  }
  return out;
}

Result<RunPtr> run_of(std::string_view key, std::string_view value) {
  auto run = std::make_shared<Run>();
  Reader from(value);
  run->frame = from.number();
  Seq behind = keys::part(key, 1);
  while (from.ok() && !from.at_end()) {
    const Seq first = behind + from.number();
    const std::uint64_t count_and_due = from.number();
    behind = first + (count_and_due >> 1);
    run->stretches.push_back({.first = first, .end = behind, .has_due = (count_and_due & 1) != 0});
  }
  if (!from.ok() || run->stretches.empty())
    return fail(Error(Code::data_loss, Blame::us, "the index of messages is damaged"));
  return run;
}

}  // namespace

const Run::Stretch* Run::at_or_after(Seq seq) const {
  const auto at = std::ranges::upper_bound(stretches, seq, {}, &Stretch::end);
  return at == stretches.end() ? nullptr : &*at;
}

void Run::push_back(Seq seq, bool has_due) {
  if (stretches.empty() || stretches.back().end != seq || stretches.back().has_due != has_due)
    stretches.push_back({.first = seq, .end = seq, .has_due = has_due});
  ++stretches.back().end;
}

void RunIndex::append(Seq seq, bool has_due, store::Address frame, store::View& view) {
  if (open_ && open_->frame != frame) flush(open_, view);
  if (!open_) {
    open_ = std::make_shared<Run>();
    open_->frame = frame;
  }
  open_->push_back(seq, has_due);
}

void RunIndex::move(Seq run, Seq seq, bool has_due, store::Address frame, store::View& view) {
  if (moved_ && (moved_->frame != frame || moved_from_ != run)) flush(moved_, view);
  if (!moved_) {
    remove(run, view);
    moved_ = std::make_shared<Run>();
    moved_->frame = frame;
    moved_from_ = run;
  }
  moved_->push_back(seq, has_due);
}

Result<RunPtr> RunIndex::at_or_after(Seq seq, store::View& view) {
  if (RunPtr run = cached(seq)) return run;
  const std::string at = keys::make(keys::index, {log_, seq});
  auto before = view.last(keys::make(keys::index, {log_, 0}), keys::make(keys::index, {log_, seq + 1}));
  if (!before) return fail(std::move(before.error()));
  if (*before) {
    Result<RunPtr> run = run_of((*before)->first, (*before)->second);
    if (!run) return run;
    if ((*run)->last() >= seq) return keep(*run);
  }
  Result<RunPtr> found = RunPtr();
  const auto scanned = view.scan(at, keys::make(keys::index, {std::uint64_t{log_} + 1}),
                                 [&](std::string_view key, std::string_view value) {
                                   found = run_of(key, value);
                                   return false;
                                 });
  if (!scanned) return fail(scanned.error());
  if (!found) return found;
  for (const auto& own : {moved_, open_}) {
    if (own && own->last() >= seq && (!*found || own->first() < (*found)->first())) found = own;
  }
  if (*found && *found != open_ && *found != moved_) return keep(*found);
  return found;
}

void RunIndex::remove_before(Seq seq, store::View& view) {
  const RunPtr next = sure(at_or_after(seq, view));
  if (next) seq = std::min(seq, next->first());  // the run that `seq` is in stays whole
  view.remove_range(keys::make(keys::index, {log_, 0}), keys::make(keys::index, {log_, seq}));
  recent_.clear();
  next_recent_ = 0;
  if (open_ && open_->last() < seq) open_.reset();
  if (moved_ && moved_->last() < seq) moved_.reset();
}

void RunIndex::remove(Seq first, store::View& view) {
  view.remove(keys::make(keys::index, {log_, first}));
  std::erase_if(recent_, [&](const RunPtr& run) { return run->first() == first; });
  next_recent_ = 0;
  if (open_ && open_->first() == first) open_.reset();
}

void RunIndex::save(store::View& view) {
  if (open_) flush(open_, view);
  if (moved_) flush(moved_, view);
}

void RunIndex::flush(std::shared_ptr<Run>& run, store::View& view) {
  view.put(keys::make(keys::index, {log_, run->first()}), text_of(*run));
  keep(run);
  run.reset();
}

RunPtr RunIndex::cached(Seq seq) {
  const auto has = [&](const RunPtr& run) { return run && run->first() <= seq && seq <= run->last(); };
  if (found_ < recent_.size() && has(recent_[found_])) return recent_[found_];
  if (has(open_)) return open_;
  if (has(moved_)) return moved_;
  for (found_ = 0; found_ < recent_.size(); ++found_) {
    if (has(recent_[found_])) return recent_[found_];
  }
  return nullptr;
}

RunPtr RunIndex::keep(RunPtr run) {
  if (recent_.size() < recent_runs) {
    recent_.push_back(run);
  } else {
    recent_[next_recent_++ % recent_runs] = run;
  }
  return run;
}

}  // namespace parley::queue::embedded
