#include "loop/frame_pool.h"

#include <array>
#include <new>

namespace parley::frame_pool {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PARLEY_NO_FRAME_POOL 1  // recycling would hide a use after free (or a race with the free) from the sanitizer
#endif
#endif

[[maybe_unused]] constexpr std::size_t step = 64;
[[maybe_unused]] constexpr std::size_t classes = 64;             // frames of up to 4 KiB are recycled
[[maybe_unused]] constexpr std::size_t kept_bytes = 256 * 1024;  // a class and thread

struct Lists {
  struct Node {
    Node* next;
  };
  struct List {
    Node* head = nullptr;
    std::size_t count = 0;
  };
  std::array<List, classes> lists;

  ~Lists() {
    for (List& list : lists) {
      while (list.head != nullptr) {
        Node* node = list.head;
        list.head = node->next;
        ::operator delete(node);
      }
    }
  }
};

[[maybe_unused]] thread_local Lists lists;

}  // namespace

void* allocate(std::size_t bytes) {
#ifndef PARLEY_NO_FRAME_POOL
  const std::size_t c = (bytes + step - 1) / step;
  if (c < classes) {
    Lists::List& list = lists.lists[c];
    if (list.head != nullptr) {
      Lists::Node* node = list.head;
      list.head = node->next;
      --list.count;
      return node;
    }
    return ::operator new(c * step);
  }
#endif
  return ::operator new(bytes);
}

void release(void* frame, [[maybe_unused]] std::size_t bytes) noexcept {
#ifndef PARLEY_NO_FRAME_POOL
  const std::size_t c = (bytes + step - 1) / step;
  if (c < classes) {
    Lists::List& list = lists.lists[c];
    if ((list.count + 1) * c * step <= kept_bytes) {
      auto* node = static_cast<Lists::Node*>(frame);
      node->next = list.head;
      list.head = node;
      ++list.count;
      return;
    }
  }
#endif
  ::operator delete(frame);
}

}  // namespace parley::frame_pool
