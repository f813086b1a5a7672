// google.api.HttpBody on the wire: raw bytes with a media type.
#pragma once

#include <string>
#include <string_view>

#include "contract/wire_records.h"

namespace parley::route {

struct HttpBodyView {
  std::string_view content_type;
  std::string_view data;
};

inline HttpBodyView read_http_body(std::string_view message) {
  HttpBodyView view;
  contract::WireRecords records(message);
  while (records.next()) {
    if (records.number == 1) view.content_type = records.content;
    if (records.number == 2) view.data = records.content;
  }
  return view;
}

inline void put_http_body(std::string_view content_type, std::string_view data, std::string& out) {
  contract::append_record(out, 1, content_type);
  contract::append_record(out, 2, data);
}

// The content of the last record of that number: a singular field's value where it was not split. "" if it is absent.
inline std::string_view last_record(std::string_view message, std::uint32_t number) {
  std::string_view last;
  contract::WireRecords records(message);
  while (records.next()) {
    if (records.number == number) last = records.content;
  }
  return last;
}

}  // namespace parley::route
