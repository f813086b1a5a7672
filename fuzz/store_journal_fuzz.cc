// A small journal is written, then its file is edited as the input says: bytes flipped, overwritten, cut off, copied to
// another place. Opening it again either names the file and the offset, or gives the first of the frames; and what is
// appended then is there after one more time.
//
// Input: the sizes of up to 8 frames (a byte each, ended by 0; the highest bit: sync behind it), then edits: a kind,
// two offsets of two bytes, and what the kind needs.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/forgetful_files.h"
#include "store/journal.h"
#include "store/segment_file.h"

namespace {

using namespace parley;
using namespace parley::store;
constexpr JournalOptions options = {
    .segment_bytes = 8 << 10, .reserve_bytes = 0, .recent_bytes = 0, .ahead_by_thread = false};
const std::filesystem::path folder = "/journal";

class Input {
 public:
  Input(const unsigned char* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  bool empty() const { return rest_.empty(); }
  std::size_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::size_t word() {
    const std::size_t low = byte();
    return low + 256 * byte();
  }
  std::string_view bytes(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

void require(bool condition) {
  if (!condition) std::abort();
}

std::string edited(std::string file, Input& input) {
  while (!input.empty() && !file.empty()) {
    const std::size_t kind = input.byte() % 4;
    const std::size_t at = input.word() % file.size();
    switch (kind) {
      case 0: file[at] = static_cast<char>(file[at] ^ static_cast<char>(input.byte())); break;
      case 1: file.resize(at); break;
      case 2: {
        const std::string_view bytes = input.bytes(input.byte());
        file.replace(at, std::min(bytes.size(), file.size() - at), bytes);
        break;
      }
      default: {
        const std::string part = file.substr(input.word() % file.size(), input.word());
        file.replace(at, std::min(part.size(), file.size() - at), part);
      }
    }
  }
  return file;
}

Result<std::vector<std::string>> read_all(ForgetfulFiles& files) {
  auto journal = Journal::open(files, folder, options);
  if (!journal) return fail(journal.error());
  std::vector<std::string> out;
  auto done = (*journal)->replay((*journal)->begin(), [&](const Frame& frame) -> Result<void> {
    out.emplace_back(frame.body.view());
    return {};
  });
  if (!done) return fail(done.error());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Input input(data, size);
  ForgetfulFiles files;
  std::vector<std::string> written;
  {
    auto journal = Journal::open(files, folder, options);
    require(journal.has_value());
    while (const std::size_t next = written.size() < 8 ? input.byte() : 0) {
      written.emplace_back(next & 0x7fU, static_cast<char>('a' + written.size()));
      require((*journal)->append(Bytes(written.back()), {}, Journal::Spend::space).has_value());
      if ((next & 0x80U) != 0) require((*journal)->sync().has_value());
    }
  }
  const std::filesystem::path path = folder / segment_name(first_address);
  files.overwrite(path, edited(files.contents(path), input));
  auto found = read_all(files);
  if (!found) {
    require(found.error().message().find(path.string()) != std::string::npos);
    return 0;
  }
  require(found->size() <= written.size() && std::equal(found->begin(), found->end(), written.begin()));
  {
    auto journal = Journal::open(files, folder, options);
    require(journal.has_value());
    require((*journal)->append(Bytes(std::string("new")), {}, Journal::Spend::space).has_value());
    require((*journal)->sync().has_value());
  }
  found->emplace_back("new");
  files.crash(ForgetfulFiles::Fate::lost);
  const auto again = read_all(files);
  require(again && *again == *found);
  return 0;
}
