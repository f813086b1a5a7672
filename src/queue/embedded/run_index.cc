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
  to.number(run.places.size());
  Seq seq = run.first();
  std::uint32_t offset = 0;
  for (const Run::Place& place : run.places) {
    to.number(place.seq - seq);
    to.number(std::uint64_t{place.offset - offset} << 1 | (place.has_due ? 1 : 0));
    seq = place.seq;
    offset = place.offset;
  }
  return out;
}

Result<RunPtr> run_of(std::string_view key, std::string_view value) {
  auto run = std::make_shared<Run>();
  Reader from(value);
  run->frame = from.number();
  const std::uint64_t count = from.number();
  run->places.reserve(std::min<std::uint64_t>(count, value.size()));
  Seq seq = keys::part(key, 1);
  std::uint32_t offset = 0;
  for (std::uint64_t i = 0; i < count && from.ok(); ++i) {
    seq += from.number();
    const std::uint64_t offset_and_due = from.number();
    offset += static_cast<std::uint32_t>(offset_and_due >> 1);
    run->places.push_back({seq, offset, (offset_and_due & 1) != 0});
  }
  if (!from.ok() || run->places.empty())
    return fail(Error(Code::data_loss, Blame::us, "the index of messages is damaged"));
  return run;
}

}  // namespace

const Run::Place* Run::from(Seq seq) const {
  const Seq first_seq = first();
  if (seq <= first_seq) return &places.front();
  if (last() - first_seq + 1 == places.size()) {  // without gaps, as most are
    return seq > last() ? nullptr : &places[seq - first_seq];
  }
  const auto at = std::lower_bound(places.begin(), places.end(), seq,
                                   [](const Place& place, Seq wanted) { return place.seq < wanted; });
  return at == places.end() ? nullptr : &*at;
}

void RunIndex::append(Seq seq, bool has_due, store::RecordPlace place, store::View& view) {
  if (open_ && open_->frame != place.frame) flush(open_, view);
  if (!open_) {
    open_ = std::make_shared<Run>();
    open_->frame = place.frame;
  }
  open_->places.push_back({seq, place.offset, has_due});
}

void RunIndex::move(Seq run, Seq seq, bool has_due, store::RecordPlace place, store::View& view) {
  if (moved_ && (moved_->frame != place.frame || moved_from_ != run)) flush(moved_, view);
  if (!moved_) {
    remove(run, view);
    moved_ = std::make_shared<Run>();
    moved_->frame = place.frame;
    moved_from_ = run;
  }
  moved_->places.push_back({seq, place.offset, has_due});
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

RunPtr RunIndex::cached(Seq seq) const {
  const auto has = [&](const RunPtr& run) { return run && run->first() <= seq && seq <= run->last(); };
  if (has(open_)) return open_;
  if (has(moved_)) return moved_;
  for (const RunPtr& run : recent_) {
    if (has(run)) return run;
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
