#include "queue/kafka/notes.h"

#include "base/log.h"
#include "queue/kafka/names.h"

namespace parley::queue::kafka {
namespace {

constexpr Duration step = std::chrono::milliseconds(500);

}  // namespace

Notes::Notes(Cluster& cluster, Producer& producer, Admin& admin, std::function<void(const std::string&)> changed)
    : cluster_(cluster),
      producer_(producer),
      admin_(admin),
      changed_(std::move(changed)),
      topic_(notes_topic(cluster.settings.prefix)) {}

Notes::~Notes() {
  stopping_ = true;
  if (reader_) reader_->cancel();
  if (thread_.joinable()) thread_.join();
}

Result<void> Notes::open() {
  const std::lock_guard opening(opening_);
  if (thread_.joinable()) return {};
  auto created = admin_.create({{.name = topic_, .partitions = 1, .config = {{"cleanup.policy", "compact"}}}});
  if (!created) return created;
  auto reader = LogReader::open(cluster_, topic_, {{0, 0}});
  if (!reader) return fail(reader.error());
  auto marks = admin_.watermarks(topic_, 0);
  if (!marks) return fail(marks.error());
  const Instant until = Clock::now() + cluster_.settings.timeout;
  while ((*reader)->places().at(0) < marks->high && !(*reader)->at_end()) {
    auto item = (*reader)->next(step);
    if (!item) return fail(item.error());
    if (*item) take_read((*item)->record);
    if (Clock::now() > until) {
      return fail(cluster_.explain(RD_KAFKA_RESP_ERR__TIMED_OUT, "reading " + topic_));
    }
  }
  reader_ = *std::move(reader);
  thread_ = std::thread([this] { follow(); });
  return {};
}

void Notes::follow() {
  while (!stopping_) {
    auto item = reader_->next(step);
    if (item && *item) {
      take_read((*item)->record);
    } else if (!item) {
      log::warn("{}", item.error().text());
      std::this_thread::sleep_for(step);
    }
  }
}

void Notes::take_read(const Record& record) {
  {
    const std::lock_guard lock(lock_);
    if (record.offset <= last_read_) {  // somebody made the topic anew
      for (auto& [key, note] : notes_) note.offset = -1;
    }
    last_read_ = record.offset;
  }
  take(record);
}

void Notes::take(const Record& record) {
  {
    const std::lock_guard lock(lock_);
    Note& note = notes_[record.key];
    if (record.offset < note.offset) return;
    note.offset = record.offset;
    note.text.reset();
    if (record.has_value) note.text = record.value.view();
  }
  changed_(record.key);
}

std::optional<std::string> Notes::get(const std::string& key) {
  const std::lock_guard lock(lock_);
  const auto found = notes_.find(key);
  if (found == notes_.end()) return std::nullopt;
  return found->second.text;
}

std::map<std::string, std::string> Notes::all(std::string_view prefix) {
  const std::lock_guard lock(lock_);
  std::map<std::string, std::string> out;
  for (auto at = notes_.lower_bound(std::string(prefix)); at != notes_.end() && at->first.starts_with(prefix); ++at) {
    if (at->second.text) out.emplace(at->first, *at->second.text);
  }
  return out;
}

Result<void> Notes::put(const std::string& key, std::optional<std::string> value) {
  if (auto opened = open(); !opened) return opened;
  Record record;
  record.key = key;
  record.has_value = value.has_value();
  if (value) record.value = Bytes::copy_of(*value);
  auto placed = producer_.produce_and_wait(topic_, 0, record);
  if (!placed) return fail(placed.error());
  record.offset = placed->offset;
  take(record);
  return {};
}

}  // namespace parley::queue::kafka
