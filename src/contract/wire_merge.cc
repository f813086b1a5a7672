// To JSON, the merging way: for messages whose records do not lie in the order a serializer writes them.
#include <algorithm>
#include <unordered_map>

#include "contract/wire_to_json.h"

namespace parley::contract {

bool WireToJson::gather(const MessageTable& table, Fragments content, std::vector<Record>& records, int depth) {
  for (const std::string_view fragment : content) {
    const char* from = fragment.data();
    const char* const end = from + fragment.size();
    while (from != end) {
      Record record;
      from = read_record(table, from, end, record, depth);
      if (from == nullptr) return false;
      record.order = records.size();
      if (record.field != nullptr) records.push_back(record);
    }
  }
  if (table.oneof_count() > 0) keep_last_of_oneofs(table, records);
  std::ranges::sort(records, {}, [](const Record& record) { return std::pair(record.field->index, record.order); });
  return true;
}

// Setting one member of a oneof clears the others: of each, only the records since the last change stay.
void WireToJson::keep_last_of_oneofs(const MessageTable& table, std::vector<Record>& records) {
  struct Holder {
    const FieldTable* field = nullptr;
    std::size_t since = 0;
  };
  std::vector<Holder> holders(table.oneof_count() + 1);
  for (std::size_t i = 0; i < records.size(); ++i) {
    Holder& holder = holders[records[i].field->oneof];
    if (holder.field != records[i].field) holder = {records[i].field, i};
  }
  std::erase_if(records, [&](const Record& record) {
    const Holder& holder = holders[record.field->oneof];
    return record.field->oneof != 0 && (holder.field != record.field || record.order < holder.since);
  });
}

bool WireToJson::merging(const MessageTable& table, Fragments content, Form form, int depth) {
  std::vector<Record> records;
  if (!gather(table, content, records, depth)) return false;
  SeenSet seen(table.fields().size());
  const std::size_t start = out_.size();
  for (std::size_t i = 0; i < records.size();) {
    const FieldTable& field = *records[i].field;
    std::size_t last = i;
    while (last < records.size() && records[last].field == &field) ++last;
    seen.add(field.index);
    if (form == Form::object) put_key(field);
    if (!merged_field(std::span(records).subspan(i, last - i), depth) || !within_limit()) return in_field(field);
    i = last;
  }
  if (form == Form::bare) return out_.size() != start || absent_bare(table);
  if (!absent_fields(table, seen)) return false;
  if (out_.size() == start) out_.put('{');
  *out_.at(start) = '{';
  out_.put('}');
  return true;
}

bool WireToJson::merged_field(std::span<const Record> records, int depth) {
  if (records[0].field->map) return merged_map(records, depth);
  if (records[0].field->repeated) return merged_array(records, depth);
  return merged_singular(records, depth);
}

bool WireToJson::merged_array(std::span<const Record> records, int depth) {
  const std::size_t start = out_.size();
  for (const Record& record : records) {
    if (!elements(record, depth) || !within_limit()) return false;
  }
  if (out_.size() == start) out_.put('[');
  *out_.at(start) = '[';
  out_.put(']');
  return true;
}

// The last entry of a key wins; it stands where the key came first.
bool WireToJson::merged_map(std::span<const Record> records, int depth) {
  const FieldTable& field = *records[0].field;
  std::vector<std::pair<std::string, Entry>> entries;
  std::unordered_map<std::string, std::size_t> places;
  for (const Record& record : records) {
    Entry entry;
    if (!read_entry(field, record.content(), entry, depth)) return false;
    if (entry.skip) continue;
    const std::size_t start = out_.size();
    if (!put_entry_key(field, entry)) return false;
    std::string key(out_.at(start), out_.size() - start);
    out_.cut(start);
    const auto [place, added] = places.emplace(key, entries.size());
    if (added) {
      entries.emplace_back(std::move(key), std::move(entry));
    } else {
      entries[place->second].second = std::move(entry);
    }
  }
  const std::size_t start = out_.size();
  for (const auto& [key, entry] : entries) {
    out_.put(key);
    if (!put_entry_value(field, entry, depth) || !within_limit()) return false;
  }
  if (out_.size() == start) out_.put('{');
  *out_.at(start) = '{';
  out_.put('}');
  return true;
}

bool WireToJson::merged_singular(std::span<const Record> records, int depth) {
  const FieldTable& field = *records[0].field;
  if (field.message == nullptr) return value(records.back(), depth);
  std::vector<std::string_view> parts;
  for (const Record& record : records) parts.push_back(record.content());
  return sub_message(field, parts, depth);
}

bool WireToJson::lone_field(std::span<const FieldTable* const> path, std::string_view content, int depth) {
  std::vector<std::string_view> fragments = {content};
  std::vector<Record> records;
  for (const FieldTable* field : path) {
    records.clear();
    if (!gather(*field->owner, fragments, records, depth)) return false;
    std::erase_if(records, [field](const Record& record) { return record.field != field; });
    fragments.clear();
    for (const Record& record : records) fragments.push_back(record.content());
  }
  if (!records.empty()) return merged_field(records, depth) || in_field(*path.back());
  put_default(*path.back());
  return true;
}

}  // namespace parley::contract
