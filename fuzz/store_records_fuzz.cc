// A frame's body as it may be: an error, or records that lie one behind the other and give the same body again if they
// are written again (as long as their heads are written as shortly as ours).
#include <cstdlib>
#include <string>

#include "store/records.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  std::string again;
  std::size_t end = 0;
  bool shortest = true;
  const auto done = parley::store::read_records(
      body, [&](std::uint64_t model, std::string_view record, std::size_t offset) -> parley::Result<void> {
        if (offset < end + 2 || body.compare(offset, record.size(), record) != 0) std::abort();
        if (model > 1000) {
          shortest = false;
        } else {
          const std::size_t before = again.size();
          shortest =
              shortest && parley::store::append_record(again, static_cast<int>(model), record) - before == offset - end;
        }
        end = offset + record.size();
        return {};
      });
  if (done && end != body.size()) std::abort();
  if (done && shortest && again != body) std::abort();
  return 0;
}
