#include "canned.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <vector>

namespace parley::bench {
namespace {

constexpr std::string_view list_posts = "/bench.Posts/ListPosts";
constexpr std::string_view batch_users = "/bench.Users/BatchGetUsers";
constexpr std::string_view batch_users_by_key = "/bench_by_key.Users/BatchGetUsers";

constexpr int posts_a_list = 100;
constexpr int users_a_list = 10;

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>(value | 0x80U);
  out += static_cast<char>(value);
}

void put_text(std::string& out, int field, std::string_view text) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3U | 2U);
  put_varint(out, text.size());
  out += text;
}

void put_int(std::string& out, int field, int value) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3U);
  put_varint(out, static_cast<std::uint64_t>(value));
}

std::uint64_t take_varint(std::string_view& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; !in.empty() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

std::string_view take_block(std::string_view& in) {
  const std::string_view block = in.substr(0, take_varint(in));
  in.remove_prefix(std::min(block.size(), in.size()));
  return block;
}

// Every integer of a message, also those in lists and in messages below: the requests hold nothing else.
void collect_ints(std::string_view in, bool nested, std::vector<int>& into) {
  while (!in.empty()) {
    const std::uint64_t tag = take_varint(in);
    if ((tag & 7U) == 0) {
      into.push_back(static_cast<int>(take_varint(in)));
    } else {
      std::string_view block = take_block(in);
      if (nested) {
        collect_ints(block, false, into);
      } else {
        while (!block.empty()) into.push_back(static_cast<int>(take_varint(block)));
      }
    }
  }
}

std::string words(int count, int from) {
  static constexpr std::array<std::string_view, 12> list = {
      "harbour", "lantern", "of", "the", "quiet", "river", "and", "seven", "winters", "under", "copper", "sails"};
  std::string text;
  for (int i = 0; i < count; ++i) {
    if (i != 0) text += ' ';
    text += list[static_cast<std::size_t>(from + i * 5) % list.size()];
  }
  return text;
}

// 100 posts, whose numbers come from the seed: post i has the id seed*100+i and is by user seed*10+i%10.
std::string posts_of(int seed) {
  static const auto texts = [] {
    std::array<std::string, posts_a_list> tails;
    for (int i = 0; i < posts_a_list; ++i) {
      put_text(tails[static_cast<std::size_t>(i)], 3, words(7, i));
      put_text(tails[static_cast<std::size_t>(i)], 4, words(26, i + 3));
    }
    return tails;
  }();
  std::string out;
  out.reserve(32 * 1024);
  std::string ids;
  for (int i = 0; i < posts_a_list; ++i) {
    const std::string& tail = texts[static_cast<std::size_t>(i)];
    ids.clear();
    put_int(ids, 1, seed * posts_a_list + i);
    put_int(ids, 2, seed * users_a_list + i % users_a_list);
    put_varint(out, 1U << 3U | 2U);
    put_varint(out, ids.size() + tail.size());
    out += ids;
    out += tail;
  }
  return out;
}

std::string users_of(const std::vector<int>& ids) {
  static constexpr std::array<std::string_view, users_a_list> names = {
      "Ada Birch", "Bo Carver", "Cy Dunmore", "Di Eastman", "Ed Farrow",
      "Flo Grey",  "Gus Hale",  "Ida Jonas",  "Kit Lowe",   "Mo Nash"};
  std::string out;
  std::string user;
  for (const int id : ids) {
    user.clear();
    put_int(user, 1, id);
    put_text(user, 2, names[static_cast<std::size_t>(id) % names.size()]);
    put_text(user, 3, "user" + std::to_string(id));
    put_text(user, 4, std::to_string(id) + "@example.com");
    put_text(user, 5, "+49 30 5550 1234");
    put_text(user, 6, "example.com");
    put_varint(out, 1U << 3U | 2U);
    put_varint(out, user.size());
    out += user;
  }
  return out;
}

int seed_of(std::string_view authorization) {
  int seed = 0;
  if (authorization.starts_with("Bearer ")) authorization.remove_prefix(7);
  std::from_chars(authorization.data(), authorization.data() + authorization.size(), seed);
  return seed;
}

std::string framed(const std::string& message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  std::string out(1, '\0');
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(size >> shift);
  return out + message;
}

}  // namespace

std::string Counts::json() const {
  return "{\"lists\":" + std::to_string(lists) + ",\"batches\":" + std::to_string(batches) +
         ",\"keys\":" + std::to_string(keys) + ",\"foreign\":" + std::to_string(foreign) +
         ",\"anonymous\":" + std::to_string(anonymous) + "}";
}

bool is_canned(std::string_view path) {
  return path == list_posts || path == batch_users || path == batch_users_by_key;
}

std::string canned_answer(std::string_view path, std::string_view framed_request, std::string_view authorization,
                          Counts& counts) {
  std::vector<int> numbers;
  if (framed_request.size() > 5) collect_ints(framed_request.substr(5), path == batch_users_by_key, numbers);
  if (authorization.empty()) ++counts.anonymous;
  if (path == list_posts) {
    ++counts.lists;
    return framed(posts_of(numbers.empty() ? 0 : numbers.front()));
  }
  ++counts.batches;
  counts.keys += numbers.size();
  const int seed = seed_of(authorization);
  if (seed != 0 && std::ranges::any_of(numbers, [seed](int id) { return id / users_a_list != seed; })) ++counts.foreign;
  return framed(users_of(numbers));
}

}  // namespace parley::bench
